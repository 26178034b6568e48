#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "gemmetry/backends/cpu/cpu_backend.h"
#include "gemmetry/measure/verify.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::StatusCode;
using measure::Verdict;
using shape::Dtype;

class EveryDtype : public testing::TestWithParam<Dtype> {
 protected:
  void expect_right(const op::Operator& op, const char* key = nullptr) {
    for (const std::uint64_t seed : {1, 20}) {
      const Verdict verdict = measure::verify(backend_, op, key, seed);
      EXPECT_EQ(verdict.code, StatusCode::ok);
      EXPECT_TRUE(verdict.right) << op::kind(op) << ": " << verdict.message;
    }
  }
  Dtype dtype() const { return GetParam(); }

  CpuBackend backend_;
};

INSTANTIATE_TEST_SUITE_P(Dtypes, EveryDtype,
                         testing::Values(Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32),
                         [](const auto& tested) { return std::string(shape::name(tested.param)); });

TEST_P(EveryDtype, Products) {
  for (const char* key : {"openblas", "loops"})
    for (const op::Layout layout : {op::Layout::nt, op::Layout::nn, op::Layout::tn})
      for (const op::Gemm& size :
           {op::Gemm{1, 1, 1, 1}, op::Gemm{3, 17, 5, 33}, op::Gemm{1, 1, 64, 257}, op::Gemm{1, 65, 1, 3},
            op::Gemm{2, 4, 6, 0}, op::Gemm{1, 0, 6, 2}, op::Gemm{0, 5, 6, 7}, op::Gemm{1, 130, 270, 300}}) {
        op::Gemm gemm = size;
        gemm.dtype = dtype();
        gemm.layout = layout;
        expect_right(gemm, key);
      }
}

TEST_P(EveryDtype, LargeProductsAreSampled) {
  expect_right(op::Gemm{2, 300, 400, 500, dtype(), op::Layout::nt, op::Epilogue::bias_gelu});
  expect_right(op::Gemm{1, 300, 400, 900, dtype(), op::Layout::tn, op::Epilogue::bias_gradient});
}

TEST_P(EveryDtype, LongSums) {
  for (const char* key : {"openblas", "loops"}) expect_right(op::Gemm{1, 7, 9, 50'000, dtype()}, key);
}

TEST_P(EveryDtype, Epilogues) {
  for (const op::Epilogue epilogue : {op::Epilogue::bias, op::Epilogue::gelu, op::Epilogue::bias_gelu})
    for (const op::Layout layout : {op::Layout::nt, op::Layout::nn, op::Layout::tn})
      expect_right(op::Gemm{2, 17, 31, 65, dtype(), layout, epilogue});
  expect_right(op::Gemm{1, 17, 31, 65, dtype(), op::Layout::tn, op::Epilogue::bias_gradient});
}

TEST_P(EveryDtype, GroupedProducts) {
  for (const char* key : {"openblas", "loops"})
    for (const op::Layout layout : {op::Layout::nt, op::Layout::nn, op::Layout::tn})
      for (const std::int64_t rows : {0, 2, 5, 37})
        expect_right(op::GroupedGemm{5, rows, 11, 19, dtype(), layout}, key);
}

TEST_P(EveryDtype, Attention) {
  std::vector<op::Attention> sizes{
      {.queries = 1, .keys = 1, .head_dim = 1, .value_dim = 1},
      {.batch = 2, .queries = 33, .keys = 33, .heads = 4, .kv_heads = 2, .head_dim = 32, .value_dim = 32},
      {.queries = 9, .keys = 40, .heads = 3, .kv_heads = 1, .head_dim = 17, .value_dim = 5},
      {.queries = 20, .keys = 20, .heads = 2, .kv_heads = 2, .head_dim = 8, .value_dim = 8, .window = 7},
      {.queries = 12, .keys = 30, .heads = 2, .kv_heads = 2, .head_dim = 8, .value_dim = 8, .causal = false},
      {.batch = 3, .queries = 1, .keys = 301, .heads = 8, .kv_heads = 2, .head_dim = 64, .value_dim = 64},
      {.queries = 5, .keys = 3, .head_dim = 4, .value_dim = 4}};
  for (op::Attention a : sizes) {
    a.dtype = dtype();
    expect_right(a);
    a.backward = true;
    expect_right(a);
  }
}

TEST_P(EveryDtype, Norms) {
  for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
    for (const bool backward : {false, true}) {
      for (const std::int64_t width : {1, 2, 7, 768, 1025, 5120})
        expect_right(op::Norm{5, width, kind, backward, dtype()});
      expect_right(op::Norm{700, 33, kind, backward, dtype()});
    }
}

TEST_P(EveryDtype, Softmax) {
  for (const bool masked : {false, true})
    for (const bool backward : {false, true}) {
      expect_right(op::Softmax{1, 1, masked, backward, dtype()});
      expect_right(op::Softmax{66, 33, masked, backward, dtype()});
      expect_right(op::Softmax{7, 2049, masked, backward, dtype()});
    }
}

TEST_P(EveryDtype, CrossEntropy) {
  for (const bool backward : {false, true}) {
    expect_right(op::CrossEntropy{3, 1, backward, dtype()});
    expect_right(op::CrossEntropy{5, 50'257, backward, dtype()});
  }
}

TEST_P(EveryDtype, Activations) {
  for (const shape::Activation function : {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
    for (const bool gated : {false, true})
      for (const bool backward : {false, true})
        expect_right(op::Activation{13, 77, function, gated, backward, dtype()});
}

TEST_P(EveryDtype, Rotary) {
  for (const bool backward : {false, true}) {
    expect_right(op::Rotary{7, 3, 64, backward, dtype()});
    expect_right(op::Rotary{2050, 1, 5, backward, dtype()});
    expect_right(op::Rotary{1, 1, 1, backward, dtype()});
  }
}

TEST_P(EveryDtype, Residuals) {
  for (const bool dropout : {false, true})
    for (const bool backward : {false, true})
      for (const bool bias : {false, true}) expect_right(op::Residual{11, 123, dropout, backward, dtype(), bias});
}

TEST_P(EveryDtype, Embeddings) {
  for (const bool positions : {false, true})
    for (const bool backward : {false, true}) {
      expect_right(op::Embedding{2100, 3, positions, backward, dtype()});
      expect_right(op::Embedding{7, 129, positions, backward, dtype()});
    }
}

TEST_P(EveryDtype, Optimizer) {
  for (const std::int64_t parameters : {0, 1, 1001}) expect_right(op::Optimizer{parameters, dtype()});
}

TEST_P(EveryDtype, Pointwise) {
  for (const op::Function function :
       {op::Function::copy, op::Function::scale, op::Function::add, op::Function::soft_cap})
    for (const double reads : {0.0, 1.0, 2.0, 4.0, 6.0})
      for (const double writes : {0.0, 1.0, 2.0, 4.0, 5.0}) expect_right(op::Pointwise{function, 101, reads, writes});
}

TEST(CpuBackend, IsTheSameEveryTime) {
  CpuBackend backend;
  const op::Gemm gemm{1, 65, 129, 257};
  const double error = measure::verify(backend, gemm, nullptr, 9).error;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(measure::verify(backend, gemm, nullptr, 9).error, error);
}

TEST(CpuBackend, SaysWhatItIs) {
  CpuBackend backend;
  measure::DeviceInfo info;
  ASSERT_TRUE(backend.describe(info).ok());
  EXPECT_STREQ(info.backend, "cpu");
  EXPECT_GT(std::strlen(info.name), 0u);
  EXPECT_EQ(std::strncmp(info.products, "OpenBLAS 0.", 11), 0) << info.products;
  EXPECT_GT(info.sms, 0);
  EXPECT_GT(info.memory_bytes, info.free_bytes);
  EXPECT_GT(info.free_bytes, 0);
}

TEST(CpuBackend, ProposesTwoWaysToMultiply) {
  CpuBackend backend;
  measure::AlgorithmInfo infos[4];
  std::int32_t found = 0;
  ASSERT_TRUE(backend.algorithms(op::Gemm{1, 2, 2, 2}, infos, 4, &found).ok());
  ASSERT_EQ(found, 2);
  EXPECT_STREQ(infos[0].key, "openblas");
  EXPECT_STREQ(infos[1].key, "loops");
  ASSERT_TRUE(backend.algorithms(op::Gemm{1, 2, 2, 2}, infos, 1, &found).ok());
  EXPECT_EQ(found, 1);
  ASSERT_TRUE(backend.algorithms(op::Norm{2, 2}, infos, 4, &found).ok());
  EXPECT_EQ(found, 1);
}

void expect_refused(const op::Operator& op, const char* key, StatusCode code, const std::string& text) {
  CpuBackend backend;
  measure::Plan* plan = nullptr;
  const measure::Status status = backend.plan(op, key, &plan);
  EXPECT_EQ(plan, nullptr);
  EXPECT_EQ(status.code, code);
  EXPECT_NE(std::string(status.message).find(text), std::string::npos) << status.message;
}

TEST(CpuBackend, RefusesWhatItCannotDo) {
  expect_refused(op::Collective{}, nullptr, StatusCode::unsupported, "collective");
  expect_refused(op::Gemm{1, 2, 2, 2}, "66", StatusCode::unsupported, "'66'");
  expect_refused(op::Norm{2, 2}, "openblas", StatusCode::unsupported, "'openblas'");
  expect_refused(op::Gemm{1, -2, 2, 2}, nullptr, StatusCode::unsupported, "m = -2");
  expect_refused(op::Attention{.queries = 2, .keys = 2, .heads = 3, .kv_heads = 2}, nullptr, StatusCode::unsupported,
                 "kv_heads = 2");
  expect_refused(op::Norm{2, 0}, nullptr, StatusCode::unsupported, "width = 0");
  expect_refused(op::Softmax{2, 0}, nullptr, StatusCode::unsupported, "columns = 0");
  expect_refused(op::CrossEntropy{2, 0}, nullptr, StatusCode::unsupported, "vocab = 0");
  expect_refused(op::Gemm{1, 2, 2, 2, Dtype::bf16, op::Layout::nt, op::Epilogue::bias_gradient}, nullptr,
                 StatusCode::unsupported, "bias_gradient");
  const std::int64_t huge = std::int64_t{1} << 40;
  expect_refused(op::Gemm{huge, huge, huge, huge}, nullptr, StatusCode::out_of_memory, "memory");
  expect_refused(op::Gemm{1, huge, 1, 1}, "openblas", StatusCode::unsupported, "2147483647");
}

TEST(CpuBackend, RunsOutOfMemoryByCountingNotByTouching) {
  CpuBackend backend;
  measure::DeviceInfo info;
  ASSERT_TRUE(backend.describe(info).ok());
  void* buffer = nullptr;
  const measure::Status status = backend.allocate(info.memory_bytes * 2, &buffer);
  EXPECT_EQ(status.code, StatusCode::out_of_memory);
  EXPECT_NE(std::string(status.message).find("GiB"), std::string::npos);
  EXPECT_EQ(buffer, nullptr);
  void* half = nullptr;
  ASSERT_TRUE(backend.allocate(info.free_bytes / 4 * 3, &half).ok());
  EXPECT_EQ(backend.allocate(info.free_bytes / 4 * 3, &buffer).code, StatusCode::out_of_memory)
      << "nothing was touched";
  backend.release(half);
  ASSERT_TRUE(backend.allocate(info.free_bytes / 4 * 3, &buffer).ok());
  backend.release(buffer);
  EXPECT_EQ(measure::verify(backend, op::Gemm{1, 1'000'000, 1'000'000, 10}, nullptr, 1).code,
            StatusCode::out_of_memory);
  EXPECT_EQ(backend.allocate(-1, &buffer).code, StatusCode::failed);
  ASSERT_TRUE(backend.allocate(0, &buffer).ok());
  EXPECT_NE(buffer, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer) % 256, 0u);
}

TEST(CpuBackend, TimesWhatItRecorded) {
  CpuBackend backend;
  const op::Residual op{64, 1024};
  measure::Plan* made = nullptr;
  ASSERT_TRUE(backend.plan(op, nullptr, &made).ok());
  const std::unique_ptr<measure::Plan> plan(made);
  const std::vector<measure::Operand> described = measure::operands(op);
  std::vector<void*> buffers(described.size());
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    ASSERT_TRUE(backend.allocate(described[i].bytes(), &buffers[i]).ok());
    ASSERT_TRUE(backend.fill(buffers[i], described[i], i).ok());
  }
  void* workspace = nullptr;
  ASSERT_TRUE(backend.allocate(plan->algorithm().workspace_bytes, &workspace).ok());
  const measure::Call call{plan.get(), buffers.data(), workspace};
  measure::Recording* recorded = nullptr;
  ASSERT_TRUE(backend.record(&call, 1, measure::Replay::graph, &recorded).ok());
  const std::unique_ptr<measure::Recording> recording(recorded);
  double times_s[3] = {};
  ASSERT_TRUE(backend.time(recording.get(), 3, times_s).ok());
  for (const double time_s : times_s) EXPECT_GT(time_s, 0);
  ASSERT_TRUE(backend.record(nullptr, 0, measure::Replay::stream, &recorded).ok()) << "an empty one, for the overhead";
  const std::unique_ptr<measure::Recording> empty(recorded);
  EXPECT_TRUE(backend.time(empty.get(), 1, times_s).ok());
}

}  // namespace
}  // namespace gemmetry::backends::cpu
