#include "gemmetry/measure/record.h"

#include <gtest/gtest.h>

#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/record_fields.h"
#include "gemmetry/op/kinds.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

std::vector<std::string> texts(const Record& record) {
  std::vector<std::string> all;
  for (const RecordField& field : record_fields()) all.push_back(text_of(field.get(record)));
  return all;
}

Record read_back(const std::vector<std::string>& texts) {
  return read_record([&](std::size_t field) { return texts[field]; });
}

std::size_t index_of(const std::string& key) {
  for (std::size_t i = 0; i < record_fields().size(); ++i)
    if (record_fields()[i].key == key) return i;
  ADD_FAILURE() << key;
  return 0;
}

/// Operators with sizes that are allowed, one of each kind.
std::vector<op::Operator> one_of_each() {
  return {op::Gemm{.batch = 3, .m = 7, .n = 9, .k = 11, .dtype = shape::Dtype::fp8, .layout = op::Layout::tn},
          op::GroupedGemm{.experts = 8, .rows = 64, .n = 32, .k = 16},
          op::Attention{.queries = 5, .keys = 9, .heads = 8, .kv_heads = 2, .head_dim = 64, .value_dim = 32},
          op::Norm{.rows = 3, .width = 5, .norm = shape::NormKind::rms_norm, .backward = true},
          op::Softmax{.rows = 4, .columns = 6, .masked = false},
          op::Activation{.rows = 4, .width = 6, .function = shape::Activation::silu, .gated = true},
          op::Rotary{.tokens = 4, .heads = 6, .dim = 8},
          op::Residual{.rows = 4, .width = 6, .dropout = true, .bias = true},
          op::Embedding{.tokens = 4, .width = 6, .positions = true},
          op::CrossEntropy{.rows = 4, .vocab = 60},
          op::Optimizer{.parameters = 123456789012},
          op::Pointwise{.function = op::Function::cast, .elements = 77, .read_bytes = 2.5, .write_bytes = 1},
          op::Collective{.ranks = 8, .size_bytes = 1e9 / 3}};
}

TEST(RecordFields, EveryKindReadsBackExactly) {
  ASSERT_EQ(one_of_each().size(), op::operator_kinds().size());
  for (const op::Operator& op : one_of_each()) {
    const Record record = full_record(op);
    const Record again = read_back(texts(record));
    EXPECT_EQ(again.op, op);
    EXPECT_EQ(texts(again), texts(record));
    EXPECT_EQ(identity(again), identity(record));
    EXPECT_EQ(again.measurement.samples_s, record.measurement.samples_s);
    EXPECT_EQ(again.measurement.median_s, record.measurement.median_s);
    EXPECT_EQ(again.algorithm.workspace_bytes, record.algorithm.workspace_bytes);
    EXPECT_EQ(again.measurement.clocks.power_w, 612.25);
  }
}

TEST(RecordFields, WhatIsUnknownStaysSo) {
  Record record;
  record.op = op::Gemm{.m = 1, .n = 1, .k = 1};
  record.status = RecordStatus::skipped;
  record.reason = "out of memory";
  const Record again = read_back(texts(record));
  EXPECT_EQ(texts(again), texts(record));
  EXPECT_FALSE(again.error);
  EXPECT_FALSE(again.measurement.clocks.clock_mhz);
  EXPECT_EQ(again.reason, "out of memory");
  EXPECT_EQ(again.samples, 0);
}

TEST(RecordFields, KeysAreDistinct) {
  std::set<std::string> keys;
  for (const RecordField& field : record_fields()) EXPECT_TRUE(keys.insert(field.key).second) << field.key;
}

TEST(RecordFields, MistakesNameColumnAndText) {
  const std::vector<std::string> good = texts(full_record(op::Gemm{.m = 8, .n = 8, .k = 8}));
  const std::tuple<const char*, const char*, const char*> mistakes[] = {
      {"kind", "gem", "did you mean 'gemm'"},
      {"kind", "", "operator"},
      {"m", "0", "m = '0'"},
      {"m", "", "gemm needs it"},
      {"rows", "3", "gemm has no such field"},
      {"dtype", "bf17", "did you mean 'bf16'"},
      {"clocks", "fast", "'fast'"},
      {"status", "okay", "ok, skipped"},
      {"take", "-1", "take = '-1'"},
      {"time_s", "quick", "time_s = 'quick'"},
      {"samples_s", "1 x", "samples_s = 'x'"},
      {"algorithm.tile_m", "5e9", "a smaller number"},
      {"gpu", "0123456789012345678901234567890123", "at most 31 characters"},
      {"samples", "4", "4 said, but 3"},
  };
  for (const auto& [key, text, says] : mistakes) {
    std::vector<std::string> cells = good;
    cells[index_of(key)] = text;
    const std::string error = error_of([&] { read_back(cells); });
    EXPECT_NE(error.find(says), std::string::npos) << key << ": " << error;
    EXPECT_TRUE(error.starts_with(std::string("column '") + key + "'")) << error;
  }
}

TEST(Identity, IsOneReadableLine) {
  EXPECT_EQ(identity(full_record(op::Gemm{.m = 8, .n = 16, .k = 32})),
            "gemm batch=1 m=8 n=16 k=32 dtype=bf16 layout=nt epilogue=none; sustained tuned stream warm; take 2; h200; "
            "cublasLt 13.1.0; method 1");
}

TEST(Identity, TellsApartWhatItShould) {
  const Record base = full_record(op::Norm{.rows = 8, .width = 16});
  std::set<std::string> all{identity(base)};
  const auto changed = [&](auto change) {
    Record other = base;
    change(other);
    return all.insert(identity(other)).second;
  };
  EXPECT_TRUE(changed([](Record& r) { r.op = op::Norm{.rows = 8, .width = 17}; }));
  EXPECT_TRUE(changed([](Record& r) { r.op = op::Norm{.rows = 8, .width = 16, .backward = true}; }));
  EXPECT_TRUE(changed([](Record& r) { r.setting.clocks = gpu::Clocks::burst; }));
  EXPECT_TRUE(changed([](Record& r) { r.setting.policy = Policy::first; }));
  EXPECT_TRUE(changed([](Record& r) { r.setting.replay = Replay::graph; }));
  EXPECT_TRUE(changed([](Record& r) { r.setting.warm = false; }));
  EXPECT_TRUE(changed([](Record& r) { r.take = 0; }));
  EXPECT_TRUE(changed([](Record& r) { set_text(r.device.gpu, "h100"); }));
  EXPECT_TRUE(changed([](Record& r) { r.tool = "0.2.0"; }));  // a norm is our own kernel
  EXPECT_TRUE(changed([](Record& r) { r.method = 2; }));
  EXPECT_FALSE(changed([](Record& r) { set_text(r.device.products, "cublasLt 14"); }));
  EXPECT_FALSE(changed([](Record& r) { set_text(r.device.uuid, "GPU-2"); }));
  EXPECT_FALSE(changed([](Record& r) { r.measurement.median_s = 5; }));
}

TEST(Identity, OfAProductHoldsItsLibrary) {
  Record record = full_record(op::Gemm{.m = 8, .n = 16, .k = 32});
  const std::string before = identity(record);
  record.tool = "0.2.0";
  EXPECT_EQ(identity(record), before);
  set_text(record.device.products, "cublasLt 14.0");
  EXPECT_NE(identity(record), before);
}

}  // namespace
}  // namespace gemmetry::measure
