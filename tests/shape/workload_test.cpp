#include "gemmetry/shape/workload.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::shape {
namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string problem(const Workload& workload, const std::string& model = "llama-2-7b") {
  return message_of([&] { validate(workload, preset(model)); });
}

void expect_mentions(const std::string& message, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
}

TEST(Workload, CountsTheTokensOfAStep) {
  Workload workload{.batch = 4, .sequence = 2048};
  EXPECT_EQ(tokens(workload), 8192);
  workload.microbatches = 8;
  EXPECT_EQ(tokens(workload), 8192) << "a forward pass has no microbatches";
  workload.phase = Phase::training;
  EXPECT_EQ(tokens(workload), 8 * 8192);
  workload.phase = Phase::decode;
  EXPECT_EQ(tokens(workload), 4);
  workload.new_tokens = 32;
  EXPECT_EQ(tokens(workload), 4 * 32);
}

TEST(Workload, RefusesSizesOutOfRange) {
  EXPECT_EQ(problem({}), "");
  expect_mentions(problem({.batch = 0}), {"batch = 0"});
  expect_mentions(problem({.sequence = -5}), {"sequence = -5"});
  expect_mentions(problem({.phase = Phase::decode, .cache = -1}), {"cache = -1"});
  expect_mentions(problem({.phase = Phase::decode, .new_tokens = 0}), {"new tokens of a pass = 0"});
  expect_mentions(problem({.phase = Phase::decode, .new_tokens = 1 << 21}), {"new tokens of a pass = 2097152"});
  expect_mentions(problem({.new_tokens = 2}), {"new tokens of a pass = 2", "phase decode"});
  expect_mentions(problem({.tensor_parallel = 0}), {"tensor-parallel degree = 0"});
  expect_mentions(problem({.pipeline_parallel = 1 << 21}), {"pipeline stages = 2097152"});
  expect_mentions(problem({.data_parallel = 0}), {"data-parallel degree = 0"});
  expect_mentions(problem({.microbatches = 0}), {"microbatches = 0"});
}

TEST(Workload, RefusesMoreTokensThanCanBeCounted) {
  const std::int64_t many = std::int64_t{1} << 39;
  expect_mentions(problem({.batch = many, .sequence = many}), {"batch 549755813888", "2^40"});
  expect_mentions(problem({.phase = Phase::decode, .batch = many, .cache = many}),
                  {"batch 549755813888", "cache", "2^40"});
}

TEST(Workload, EndsWithTheLearnedPositions) {
  EXPECT_EQ(problem({.sequence = 1024}, "gpt2"), "");
  expect_mentions(problem({.sequence = 1025}, "gpt2"), {"sequence 1025", "gpt2 has 1024", "at most 1024"});
  EXPECT_EQ(problem({.phase = Phase::decode, .cache = 1023}, "gpt2"), "");
  expect_mentions(problem({.phase = Phase::decode, .cache = 1024}, "gpt2"),
                  {"cache 1024", "1025 positions", "at most 1023"});
  EXPECT_EQ(problem({.phase = Phase::decode, .cache = 1008, .new_tokens = 16}, "gpt2"), "");
  expect_mentions(problem({.phase = Phase::decode, .cache = 1009, .new_tokens = 16}, "gpt2"),
                  {"cache 1009", "1025 positions", "at most 1008"});
  expect_mentions(problem({.phase = Phase::decode, .new_tokens = 2000}, "gpt2"),
                  {"new tokens of a pass = 2000", "gpt2 has 1024", "at most 1024"});
  EXPECT_EQ(problem({.sequence = 2048}, "opt-125m"), "") << "the two rows before position 0 are no positions";
  EXPECT_NE(problem({.sequence = 2049}, "opt-125m"), "");
  EXPECT_EQ(problem({.sequence = 1 << 20}, "llama-2-7b"), "") << "rotary positions do not end";
}

TEST(Workload, EncodersFillNoCache) {
  EXPECT_EQ(problem({.sequence = 512}, "bert-base"), "");
  expect_mentions(problem({.phase = Phase::decode, .sequence = 512}, "bert-base"),
                  {"phase decode", "bert-base", "encoder"});
  expect_mentions(problem({.phase = Phase::prefill, .sequence = 512}, "bert-base"), {"phase prefill"});
}

TEST(Splits, NameTheThingItsValueAndTheFix) {
  const std::vector<std::string> reasons = impossible_splits({.tensor_parallel = 6}, preset("gpt3-2.7b"));
  ASSERT_EQ(reasons.size(), 2u);
  EXPECT_EQ(reasons[0], "32 heads cannot be divided over 6 tensor-parallel ranks: use --tp 4 or 8, or 30 or 36 heads");
  expect_mentions(reasons[1], {"10240 FFN columns", "--tp 5 or 8", "10236 or 10242"});
  expect_mentions(message_of([] { require_possible({.tensor_parallel = 6}, preset("gpt3-2.7b")); }), {"32 heads"});
  for (const std::int64_t t : {1, 2, 4, 8, 16, 32})
    EXPECT_TRUE(impossible_splits({.tensor_parallel = t}, preset("gpt3-2.7b")).empty()) << t;
}

TEST(Splits, RepeatFewKvHeads) {
  const Model model = preset("llama-3.1-405b");  // 128 heads, 8 KV heads
  for (const std::int64_t t : {2, 4, 8, 16, 64})
    EXPECT_TRUE(impossible_splits({.tensor_parallel = t}, model).empty()) << t;
  Model odd = preset("llama-2-7b");
  odd.attention.heads = 48;
  odd.attention.kv_heads = 8;
  odd.ffn.width = 12 * 1024;
  const std::vector<std::string> reasons = impossible_splits({.tensor_parallel = 12}, odd);
  ASSERT_EQ(reasons.size(), 1u);
  EXPECT_EQ(reasons[0], "8 KV heads cannot be divided over 12 tensor-parallel ranks: use --tp 8, or 12 KV heads");
}

TEST(Splits, CoverLayersExpertsAndSequences) {
  expect_mentions(message_of([] { require_possible({.pipeline_parallel = 5}, preset("gpt3-2.7b")); }),
                  {"32 layers", "5 pipeline stages", "--pp 4 or 8", "30 or 35 layers"});
  Model sparse = preset("qwen3-30b-a3b");
  sparse.experts->width = 770;
  expect_mentions(message_of([&] { require_possible({.tensor_parallel = 4}, sparse); }), {"770 columns of an expert"});
  sparse.ffn.width = 1;  // no layer is dense
  sparse.experts->width = 768;
  EXPECT_TRUE(impossible_splits({.tensor_parallel = 4}, sparse).empty());
  Workload workload{.sequence = 2047, .tensor_parallel = 4};
  EXPECT_TRUE(impossible_splits(workload, preset("gpt3-2.7b")).empty());
  workload.sequence_parallel = true;
  expect_mentions(impossible_splits(workload, preset("gpt3-2.7b")).at(0), {"2047 tokens of a sequence"});
}

TEST(Splits, PadTheVocabulary) {
  EXPECT_TRUE(impossible_splits({.tensor_parallel = 8}, preset("gpt3-2.7b")).empty()) << "50257 is no multiple of 8";
}

TEST(Names, AreThoseOfTheOptions) {
  EXPECT_EQ(name(Phase::training), "training");
  EXPECT_EQ(name(AttentionKind::eager), "eager");
  EXPECT_EQ(name(Projections::hf), "hf");
  EXPECT_EQ(name(Recompute::selective), "selective");
  EXPECT_EQ(name(Sharding::optimizer), "optimizer");
}

}  // namespace
}  // namespace gemmetry::shape
