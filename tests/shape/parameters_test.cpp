#include "gemmetry/shape/parameters.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"

namespace gemmetry::shape {
namespace {

/// h 8, L 2, a 2, v 10, s 6: the paper's layer.
Model gpt() {
  Model model;
  model.hidden = model.embedding_width = 8;
  model.layers = 2;
  model.vocab = 10;
  model.attention = {.heads = 2, .kv_heads = 2, .head_dim = 4, .value_dim = 4, .qkv_bias = true, .output_bias = true};
  model.ffn = {.width = 32, .bias = true};
  model.position_rows = 6;
  return model;
}

/// h 8, L 3, a 4 sharing 2 KV heads, d_ff 20, v 11, untied.
Model llama() {
  Model model;
  model.hidden = model.embedding_width = 8;
  model.layers = 3;
  model.vocab = 11;
  model.attention = {.heads = 4, .kv_heads = 2, .head_dim = 2, .value_dim = 2, .rotary_dim = 2};
  model.ffn = {.width = 20, .gated = true, .activation = Activation::silu};
  model.positions = Positions::rotary;
  model.norm = NormKind::rms_norm;
  model.norm_bias = false;
  model.head.tied = false;
  return model;
}

TEST(Parameters, OfAGpt) {
  const ParameterCount count = count_parameters(gpt());
  EXPECT_EQ(count.embedding, 10 * 8 + 6 * 8);
  EXPECT_EQ(count.attention, 2 * ((8 * 24 + 24) + (8 * 8 + 8)));
  EXPECT_EQ(count.ffn, 2 * ((8 * 32 + 32) + (32 * 8 + 8)));
  EXPECT_EQ(count.norms, 2 * 32 + 16);
  EXPECT_EQ(count.head, 0);
  EXPECT_EQ(count.total, 1888);
  EXPECT_EQ(count.active, 1888);
  EXPECT_EQ(layer_parameters(gpt(), layer_kind(gpt(), 0)), 872);
}

TEST(Parameters, ThePapersFormulaMissesTheFinalNorm) {
  const Model model = gpt();
  ASSERT_TRUE(is_paper_model(model));
  EXPECT_DOUBLE_EQ(paper_parameters(model), 12.0 * 64 * 2 + 13.0 * 8 * 2 + (10.0 + 6.0) * 8);
  EXPECT_DOUBLE_EQ(paper_parameters(model) + 2 * 8, static_cast<double>(count_parameters(model).total));
}

TEST(Parameters, OfALlama) {
  const ParameterCount count = count_parameters(llama());
  EXPECT_EQ(count.embedding, 88);
  EXPECT_EQ(count.attention, 3 * (64 + 32 + 32 + 64));
  EXPECT_EQ(count.ffn, 3 * 480);
  EXPECT_EQ(count.norms, 3 * 16 + 8);
  EXPECT_EQ(count.head, 88);
  EXPECT_EQ(count.total, 2248);
  EXPECT_DOUBLE_EQ(paper_parameters(llama()), 12.0 * 64 * 3 + 13.0 * 8 * 3 + 11.0 * 8);  // no position table
}

TEST(Parameters, AnIdleExpertIsNotActive) {
  Model model = llama();
  model.experts = Experts{.count = 4, .active = 1, .width = 10, .shared_width = 5};
  const std::int64_t expert = 3 * 8 * 10;
  const ParameterCount count = count_parameters(model);
  EXPECT_EQ(count.ffn, 3 * (4 * expert + 4 * 8 + 3 * 8 * 5));
  EXPECT_EQ(count.total - count.active, 3 * 3 * expert);
}

TEST(Parameters, OfLatentAttention) {
  Model model = llama();
  model.attention.kv_heads = 4;
  model.attention.head_dim = 6;
  model.attention.value_dim = 3;
  model.attention.latent = LatentAttention{.q_rank = 5, .kv_rank = 7, .nope_dim = 4, .rope_dim = 2};
  const std::int64_t queries = 8 * 5 + 5 + 5 * 4 * 6;
  const std::int64_t keys_values = 8 * (7 + 2) + 7 + 7 * 4 * (4 + 3);
  EXPECT_EQ(count_parameters(model).attention, 3 * (queries + keys_values + 4 * 3 * 8));
}

TEST(Parameters, OfQueryKeyNorms) {
  const std::int64_t plain = count_parameters(llama()).attention;
  Model model = llama();
  model.attention.qk_norm = QkNorm::head;
  EXPECT_EQ(count_parameters(model).attention - plain, 3 * 2 * 2);
  model.attention.qk_norm_bias = true;
  EXPECT_EQ(count_parameters(model).attention - plain, 3 * 4 * 2);
  model.attention.qk_norm_bias = false;
  model.attention.qk_norm_own_weights = true;
  EXPECT_EQ(count_parameters(model).attention - plain, 3 * (4 + 2) * 2);
  model.attention.qk_norm = QkNorm::width;
  EXPECT_EQ(count_parameters(model).attention - plain, 3 * (4 + 2) * 2);
}

TEST(Parameters, PerGpuSplitMatricesNotNorms) {
  Workload workload;
  EXPECT_EQ(parameters_per_gpu(gpt(), workload), 1888);
  workload.tensor_parallel = 2;
  const std::int64_t layer = (8 * 12 + 12) + (4 * 8 + 8) + (8 * 16 + 16) + (16 * 8 + 8) + 32;
  EXPECT_EQ(parameters_per_gpu(gpt(), workload), 2 * layer + 5 * 8 + 6 * 8 + 16);
  workload.pipeline_parallel = 2;  // the first stage, with the position table; the last has a copy of the tied matrix
  EXPECT_EQ(parameters_per_gpu(gpt(), workload), layer + 5 * 8 + 6 * 8);
}

TEST(Parameters, PerGpuOfTheFullestStage) {
  Workload workload;
  workload.pipeline_parallel = 2;
  const std::int64_t layer = 192 + 480 + 16;
  EXPECT_EQ(parameters_per_gpu(llama(), workload),
            2 * layer + 88);  // two of three layers beside one of the vocabulary's ends
  workload.pipeline_parallel = 100;
  EXPECT_EQ(parameters_per_gpu(llama(), workload), layer + 88 + 8);
}

TEST(Parameters, PerGpuCopiesKvHeadsThatAreFewerThanRanks) {
  Workload workload;
  workload.tensor_parallel = 4;
  const std::int64_t attention = 8 * 2 + 2 * (8 * 2) + 2 * 8;  // one query head, one KV head
  EXPECT_EQ(parameters_per_gpu(llama(), workload), 3 * (attention + 3 * 8 * 5 + 16) + 8 + 2 * (3 * 8));
}

TEST(Parameters, TooManyToCount) {
  Model model = gpt();
  model.hidden = model.embedding_width = model.ffn.width = std::int64_t{1} << 40;
  EXPECT_THROW(count_parameters(model), Error);
  model = gpt();
  model.vocab = std::int64_t{1} << 40;
  EXPECT_EQ(count_parameters(model).embedding, (std::int64_t{1} << 43) + 48);
}

}  // namespace
}  // namespace gemmetry::shape
