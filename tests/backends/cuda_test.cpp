#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "backends/cuda_fixture.h"
#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/oracle.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/tolerance.h"
#include "gemmetry/measure/verify.h"

// Every operator of the CUDA backend against the float64 oracle. Skipped, and counted as such, where there is no
// device.

namespace gemmetry::backends {
namespace {

using measure::Verdict;
using op::Layout;
using op::Operator;
using shape::Dtype;

constexpr Dtype halves[] = {Dtype::bf16, Dtype::fp16};
constexpr Dtype floats[] = {Dtype::bf16, Dtype::fp16, Dtype::fp32};

op::Gemm gemm(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, Dtype dtype, Layout layout,
              op::Epilogue epilogue = op::Epilogue::none) {
  return {batch, m, n, k, dtype, layout, epilogue};
}

TEST_F(Cuda, Products) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::tf32, Dtype::fp32})
    for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn})
      for (const auto& [m, n, k] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                            {1, 4096, 4096},
                                                                            {7, 129, 65},
                                                                            {128, 256, 64},
                                                                            {511, 513, 1023},
                                                                            {1000, 50257, 768},
                                                                            {4096, 10922, 4096},
                                                                            {8192, 80, 2048}})
        expect_right(gemm(1, m, n, k, dtype, layout));
}

TEST_F(Cuda, BatchedProducts) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::tf32, Dtype::fp32})
    for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn}) {
      expect_right(gemm(3, 5, 7, 9, dtype, layout));
      expect_right(gemm(128, 512, 512, 80, dtype, layout));
      expect_right(gemm(40, 333, 64, 333, dtype, layout));
    }
}

TEST_F(Cuda, Fp8Products) {
  for (const auto& [m, n, k] :
       std::vector<std::array<std::int64_t, 3>>{{16, 16, 16}, {1, 4096, 4096}, {77, 512, 1024}, {4096, 11008, 4096}})
    expect_right(gemm(1, m, n, k, Dtype::fp8, Layout::nt));
  for (const Operator& op :
       {Operator{gemm(1, 64, 64, 63, Dtype::fp8, Layout::nt)}, Operator{gemm(1, 64, 64, 64, Dtype::fp8, Layout::nn)}}) {
    const Verdict verdict = measure::verify(*backend_, op, nullptr, 1);
    EXPECT_EQ(verdict.code, measure::StatusCode::unsupported) << measure::text_of(op);
    EXPECT_NE(verdict.message.find("fp8"), std::string::npos) << verdict.message;
  }
}

TEST_F(Cuda, Epilogues) {
  for (const Dtype dtype : floats)
    for (const op::Epilogue epilogue : {op::Epilogue::bias, op::Epilogue::gelu, op::Epilogue::bias_gelu}) {
      expect_right(gemm(1, 333, 264, 520, dtype, Layout::nt, epilogue));
      expect_right(gemm(1, 2048, 3072, 768, dtype, Layout::nt, epilogue));
    }
  for (const Dtype dtype : floats) {
    expect_right(gemm(1, 264, 520, 333, dtype, Layout::tn, op::Epilogue::bias_gradient));
    expect_right(gemm(1, 3072, 768, 4096, dtype, Layout::tn, op::Epilogue::bias_gradient));
  }
}

TEST_F(Cuda, GroupedProducts) {
  for (const Dtype dtype : floats)
    for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn}) {
      expect_right(op::GroupedGemm{8, 1024, 512, 256, dtype, layout});
      expect_right(op::GroupedGemm{7, 1000, 264, 136, dtype, layout});
      expect_right(op::GroupedGemm{16, 5, 128, 64, dtype, layout});
      expect_right(op::GroupedGemm{60, 4096, 1408, 2048, dtype, layout});
    }
}

/// Every algorithm the library proposes is as right as its first.
TEST_F(Cuda, AllAlgorithmsOfAProduct) {
  for (const Operator& op : {Operator{gemm(1, 512, 1000, 2048, Dtype::bf16, Layout::nt)},
                             Operator{gemm(1, 333, 1001, 515, Dtype::fp16, Layout::tn)},
                             Operator{gemm(16, 256, 256, 80, Dtype::bf16, Layout::nn)}}) {
    std::vector<measure::AlgorithmInfo> infos(128);
    std::int32_t found = 0;
    ASSERT_TRUE(backend_->algorithms(op, infos.data(), static_cast<std::int32_t>(infos.size()), &found).ok());
    EXPECT_GE(found, 3) << measure::text_of(op);
    for (std::int32_t i = 0; i < found; ++i) {
      const Verdict verdict = measure::verify(*backend_, op, infos[static_cast<std::size_t>(i)].key, 3);
      EXPECT_EQ(verdict.code, measure::StatusCode::ok) << verdict.message;
      EXPECT_TRUE(verdict.right) << measure::text_of(op) << " algorithm " << i << ": " << verdict.message;
    }
  }
}

op::Attention attention(std::int64_t batch, std::int64_t queries, std::int64_t keys, std::int64_t heads,
                        std::int64_t kv_heads, std::int64_t dim, bool causal, bool backward, Dtype dtype) {
  return {batch, queries, keys, heads, kv_heads, dim, dim, 0, causal, backward, dtype};
}

TEST_F(Cuda, AttentionForward) {
  for (const Dtype dtype : halves)
    for (const bool causal : {false, true}) {
      for (const std::int64_t dim : {32, 64, 80, 96, 128, 192, 256})
        expect_right(attention(2, 256, 256, 4, 4, dim, causal, false, dtype));
      expect_right(attention(1, 333, 333, 8, 2, 64, causal, false, dtype));
      expect_right(attention(2, 100, 300, 8, 1, 128, causal, false, dtype));
      expect_right(attention(1, 1, 1, 1, 1, 64, causal, false, dtype));
      expect_right(attention(1, 2048, 2048, 32, 8, 128, causal, false, dtype));
    }
}

TEST_F(Cuda, AttentionWindow) {
  op::Attention windowed = attention(2, 512, 512, 4, 2, 128, true, false, Dtype::bf16);
  for (const std::int64_t window : {1, 64, 100, 511, 512}) {
    windowed.window = window;
    expect_right(windowed);
  }
}

TEST_F(Cuda, AttentionBackward) {
  for (const Dtype dtype : halves)
    for (const bool causal : {false, true}) {
      for (const std::int64_t dim : {64, 80, 96, 128})
        expect_right(attention(2, 256, 256, 4, 4, dim, causal, true, dtype));
      expect_right(attention(1, 320, 320, 8, 2, 128, causal, true, dtype));
      expect_right(attention(1, 333, 333, 4, 4, 64, causal, true, dtype), true);
    }
}

TEST_F(Cuda, AttentionDecode) {
  for (const Dtype dtype : halves)
    for (const std::int64_t keys : {1, 127, 128, 1000, 4097, 65536})
      for (const std::int64_t dim : {64, 128}) {
        expect_right(attention(2, 1, keys, 8, 8, dim, true, false, dtype));
        expect_right(attention(3, 1, keys, 32, 8, dim, true, false, dtype));
      }
}

const std::pair<std::int64_t, std::int64_t> sizes[] = {
    {1, 1},      {3, 7},     {5, 64},    {1000, 80},   {257, 1001},  {64, 4096},   {123, 10922}, {2048, 2560},
    {33, 16384}, {7, 50257}, {4, 65537}, {20000, 128}, {16, 131072}, {300, 12288}, {1, 1000003}};

TEST_F(Cuda, Norms) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
        for (const auto& [rows, width] : sizes) {
          if (width < 2 || width > 65536) continue;
          expect_right(op::Norm{rows, width, kind, backward, dtype});
        }
}

/// A block's rows end anywhere in a pack, the last block's are fewer, the widest fill a thread's slots.
TEST_F(Cuda, NormsOfOddWidths) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm}) {
        for (const std::int64_t width : {2, 7, 8, 9, 17, 63, 65, 250, 513, 1001, 1025, 2500})
          for (const std::int64_t rows : {1, 67, 2113}) expect_right(op::Norm{rows, width, kind, backward, dtype});
        for (const std::int64_t width : {4097, 8200, 9216, 10240, 12287, 12288, 12289})
          expect_right(op::Norm{301, width, kind, backward, dtype});
      }
}

TEST_F(Cuda, Softmaxes) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const bool masked : {false, true}) {
        for (const auto& [rows, columns] : sizes) expect_right(op::Softmax{rows, columns, masked, backward, dtype});
        expect_right(op::Softmax{6 * 333, 333, masked, backward, dtype});
        expect_right(op::Softmax{2 * 2048, 2048, masked, backward, dtype});
      }
}

TEST_F(Cuda, Activations) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const bool gated : {false, true})
        for (const shape::Activation function :
             {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
          for (const auto& [rows, width] : sizes)
            expect_right(op::Activation{rows, width, function, gated, backward, dtype});
}

TEST_F(Cuda, Rotations) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const std::int64_t dim : {2, 20, 32, 64, 80, 128, 256}) {
        expect_right(op::Rotary{1, 1, dim, backward, dtype});
        expect_right(op::Rotary{333, 5, dim, backward, dtype});
        expect_right(op::Rotary{4096, 40, dim, backward, dtype});
      }
}

TEST_F(Cuda, Residuals) {
  for (const Dtype dtype : floats)
    for (const auto& [rows, width] : sizes)
      for (const bool dropout : {false, true}) {
        expect_right(op::Residual{rows, width, dropout, false, dtype, false});
        expect_right(op::Residual{rows, width, dropout, false, dtype, true});
        expect_right(op::Residual{rows, width, dropout, true, dtype, false});
      }
}

TEST_F(Cuda, Embeddings) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const bool positions : {false, true})
        for (const auto& [tokens, width] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {5, 7}, {1000, 768}, {4097, 1001}})
          expect_right(op::Embedding{tokens, width, positions, backward, dtype});
}

TEST_F(Cuda, CrossEntropies) {
  for (const Dtype dtype : floats)
    for (const bool backward : {false, true})
      for (const auto& [rows, vocab] : sizes) expect_right(op::CrossEntropy{rows, vocab, backward, dtype});
}

/// Rows that go from one block to the next, over many blocks, or not at all.
TEST_F(Cuda, CrossEntropiesOfCutRows) {
  for (const Dtype dtype : floats)
    for (const auto& [rows, vocab] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2},
                                                                                        {1, 4096},
                                                                                        {2, 2000003},
                                                                                        {131, 50257},
                                                                                        {134, 50304},
                                                                                        {793, 2047},
                                                                                        {5000, 1},
                                                                                        {5000, 1001},
                                                                                        {30000, 7},
                                                                                        {40000, 97}})
      expect_right(op::CrossEntropy{rows, vocab, false, dtype});
  expect_right(op::CrossEntropy{40000, 97, true, Dtype::bf16});
}

TEST_F(Cuda, Optimizers) {
  for (const Dtype dtype : floats)
    for (const std::int64_t parameters : {1, 7, 1000, 1000003, 20000000})
      expect_right(op::Optimizer{parameters, dtype});
}

TEST_F(Cuda, Streams) {
  using op::Function;
  for (const std::int64_t elements : {1, 7, 1000, 1000003})
    for (const op::Pointwise& op :
         {op::Pointwise{Function::copy, elements, 2, 2}, op::Pointwise{Function::copy, elements, 0.5, 2},
          op::Pointwise{Function::scale, elements, 2, 2}, op::Pointwise{Function::cast, elements, 2, 4},
          op::Pointwise{Function::cast, elements, 4, 2}, op::Pointwise{Function::cast, elements, 2, 1},
          op::Pointwise{Function::add, elements, 4, 4}, op::Pointwise{Function::combine, elements, 16, 2},
          op::Pointwise{Function::soft_cap, elements, 4, 2}, op::Pointwise{Function::append, elements, 2, 2}})
      expect_right(op);
}

/// Some rows of `op` at its full size, whose kernels go several rounds over their rows: `few` is the same operator with
/// that many rows alone. Results that gather all rows (a weight's gradient) are left out.
void expect_rows_right(measure::Backend& backend, const Operator& op, const Operator& few,
                       const std::vector<std::int64_t>& rows) {
  constexpr std::uint64_t seed = 5;
  const std::vector<measure::Operand> all = measure::operands(op);
  const std::vector<measure::Operand> some = measure::operands(few);
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<void*> buffers(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    measure::require(backend.allocate(all[i].bytes(), &buffers[i]));
    measure::require(backend.fill(buffers[i], all[i], seed + i));
  }
  measure::Plan* made = nullptr;
  measure::require(backend.plan(op, nullptr, &made));
  const std::unique_ptr<measure::Plan> plan(made);
  void* workspace = nullptr;
  measure::require(backend.allocate(std::max<std::int64_t>(plan->algorithm().workspace_bytes, 1), &workspace));
  const measure::Call call{plan.get(), buffers.data(), workspace};
  measure::require(backend.prepare(call));
  measure::require(backend.run(&call, 1));

  // An operand that grows with the rows has rows / few rows as many elements of each row.
  const auto width = [&](std::size_t i) { return some[i].elements() / count; };
  const auto by_row = [&](std::size_t i) { return all[i].elements() != some[i].elements(); };
  measure::Arrays inputs(some.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].use == measure::Use::out || some[i].fill == measure::Fill::forward) continue;
    if (!by_row(i)) inputs[i] = measure::fill_values(all[i], seed + i);
    if (by_row(i))
      for (const std::int64_t row : rows)
        for (std::int64_t column = 0; column < width(i); ++column)
          inputs[i].push_back(measure::fill_value(all[i], seed + i, row * width(i) + column));
  }
  const std::vector<measure::Expected> expected = measure::expect(few, inputs);
  for (std::size_t i = 0; i < some.size(); ++i) {
    if (some[i].use == measure::Use::in || !by_row(i)) continue;
    std::vector<std::int64_t> elements;
    for (const std::int64_t row : rows)
      for (std::int64_t column = 0; column < width(i); ++column) elements.push_back(row * width(i) + column);
    std::vector<double> results(elements.size());
    measure::require(backend.read(buffers[i], all[i].element, elements.data(),
                                  static_cast<std::int64_t>(elements.size()), results.data()));
    double worst = 0;
    for (std::size_t e = 0; e < results.size(); ++e)
      worst = std::max(
          worst, measure::relative_error(all[i].element, results[e], expected[i].values[e], expected[i].errors[e]));
    EXPECT_LE(worst, 1) << measure::text_of(op) << ": " << all[i].name;
  }
  backend.release(workspace);
  for (void* buffer : buffers) backend.release(buffer);
}

TEST_F(Cuda, LastRoundsOfManyRows) {
  const std::int64_t rows = 12007;
  const std::vector<std::int64_t> some{0,    1,    131,  132,  1055,  1056,  2111, 4223,
                                       4224, 6001, 8447, 8448, 11999, 12005, 12006};
  const auto few = static_cast<std::int64_t>(some.size());
  for (const bool backward : {false, true})
    for (const std::int64_t width : {9, 256, 1001, 2048, 4096, 12288}) {
      for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
        expect_rows_right(*backend_, op::Norm{rows, width, kind, backward, Dtype::bf16},
                          op::Norm{few, width, kind, backward, Dtype::bf16}, some);
      expect_rows_right(*backend_, op::Softmax{rows, width, false, backward, Dtype::bf16},
                        op::Softmax{few, width, false, backward, Dtype::bf16}, some);
      expect_rows_right(*backend_, op::CrossEntropy{rows, width, backward, Dtype::bf16},
                        op::CrossEntropy{few, width, backward, Dtype::bf16}, some);
    }
  for (const bool backward : {false, true})
    expect_rows_right(*backend_, op::CrossEntropy{1500, 50257, backward, Dtype::bf16},
                      op::CrossEntropy{3, 50257, backward, Dtype::bf16}, {0, 777, 1499});
}

TEST_F(Cuda, WhatIsTooLargeIsOutOfMemoryAndTheDeviceLivesOn) {
  const Verdict verdict =
      measure::verify(*backend_, gemm(1, 1 << 20, 1 << 20, 64, Dtype::bf16, Layout::nt), nullptr, 1);
  EXPECT_EQ(verdict.code, measure::StatusCode::out_of_memory) << verdict.message;
  expect_right(gemm(1, 64, 64, 64, Dtype::bf16, Layout::nt));
}

/// One of each, small: what is run under compute-sanitizer.
TEST_F(Cuda, OneOfEach) {
  for (const Dtype dtype : floats) {
    expect_right(gemm(1, 65, 127, 63, dtype, Layout::nt));
    expect_right(gemm(2, 65, 128, 64, dtype, Layout::nn));
    expect_right(gemm(1, 64, 128, 65, dtype, Layout::tn));
    expect_right(gemm(1, 64, 128, 64, dtype, Layout::nt, op::Epilogue::bias_gelu));
    expect_right(op::GroupedGemm{3, 70, 64, 72, dtype, Layout::nt});
    for (const bool backward : {false, true}) {
      if (dtype != Dtype::fp32) expect_right(attention(1, 128, 128, 2, 1, 64, true, backward, dtype));
      for (const std::int64_t width : {97, 256}) {
        expect_right(op::Norm{33, width, shape::NormKind::layer_norm, backward, dtype});
        expect_right(op::Norm{33, width, shape::NormKind::rms_norm, backward, dtype});
        expect_right(op::Softmax{width, width, true, backward, dtype});
        expect_right(op::Activation{33, width, shape::Activation::gelu, false, backward, dtype});
        expect_right(op::Activation{33, width, shape::Activation::silu, true, backward, dtype});
        expect_right(op::Residual{33, width, true, backward, dtype, !backward});
        expect_right(op::Embedding{33, width, true, backward, dtype});
        expect_right(op::CrossEntropy{33, width, backward, dtype});
      }
      expect_right(op::CrossEntropy{3, 50257, backward, dtype});
      expect_right(op::CrossEntropy{300, 1001, backward, dtype});
      expect_right(op::Norm{131, 1001, shape::NormKind::layer_norm, backward, dtype});
      expect_right(op::Norm{3, 12288, shape::NormKind::layer_norm, backward, dtype});
      expect_right(op::Softmax{3, 9001, false, backward, dtype});
      expect_right(op::Norm{3, 9001, shape::NormKind::layer_norm, backward, dtype});
      expect_right(op::Rotary{33, 3, 64, backward, dtype});
    }
    if (dtype != Dtype::fp32) expect_right(attention(2, 1, 200, 4, 2, 64, true, false, dtype));
    expect_right(op::Optimizer{1003, dtype});
    expect_right(op::Pointwise{op::Function::copy, 1003, 2, 2});
  }
  expect_right(gemm(1, 64, 64, 64, Dtype::tf32, Layout::nt));
  expect_right(gemm(1, 64, 64, 64, Dtype::fp8, Layout::nt));
}

}  // namespace
}  // namespace gemmetry::backends
