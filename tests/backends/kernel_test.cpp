#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "backends/kernel_call.h"
#include "gemmetry/backends/cpu/cpu_backend.h"
#include "gemmetry/measure/kernel_check.h"

// The CPU's kernels against numbers computed by hand and naive loops in float64.

namespace gemmetry::backends {
namespace {

using measure::Element;
using op::Layout;
using shape::Dtype;

class CpuKernels : public testing::Test {
 protected:
  Values run(const measure::Kernel& kernel, const std::vector<Data>& operands, std::size_t result) {
    return run_kernel(backend_, kernel, operands, result);
  }
  std::string refusal(const measure::Kernel& kernel, const char* key = nullptr) {
    measure::Plan* plan = nullptr;
    const measure::Status status = backend_.plan_kernel(kernel, key, &plan);
    EXPECT_EQ(status.code, measure::StatusCode::unsupported);
    EXPECT_EQ(plan, nullptr);
    return status.message;
  }

  cpu::CpuBackend backend_;
};

void expect_near(const Values& found, const Values& expected, double error) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], error) << "element " << i;
}

Data floats(Values values) { return {Element::fp32, std::move(values)}; }

TEST_F(CpuKernels, ProductInLargerArrays) {
  measure::ProductKernel kernel{
      .gemm = {1, 2, 2, 2, Dtype::fp32, Layout::nt}, .a_stride = 3, .b_stride = 4, .c_stride = 3};
  const std::vector<Data> operands = {floats({1, 2, 9, 3, 4, 9}), floats({1, 0, 9, 9, 1, 1}),
                                      floats({7, 7, 7, 7, 7, 7})};
  expect_near(run(kernel, operands, 2), {1, 3, 7, 3, 7, 7}, 0);
  kernel.accumulate = true;
  expect_near(run(kernel, operands, 2), {8, 10, 7, 10, 14, 7}, 0);
}

TEST_F(CpuKernels, ProductAddedToAnotherMatrix) {
  const measure::ProductKernel kernel{.gemm = {1, 1, 2, 2, Dtype::fp32, Layout::nt}, .residual = true};
  expect_near(run(kernel, {floats({1, 2}), floats({1, 0, 1, 1}), floats({10, 20}), floats({7, 7})}, 3), {11, 23}, 0);
}

TEST_F(CpuKernels, ProductWithTheActivationBehindIt) {
  const measure::ActivatedProductKernel plain{.product = {.gemm = {1, 1, 2, 1, Dtype::fp32, Layout::nt}},
                                              .function = shape::Activation::relu};
  expect_near(run(plain, {floats({2}), floats({-1, 3}), floats({7, 7})}, 2), {0, 6}, 0);
  measure::ActivatedProductKernel gated = plain;
  gated.gated = true;
  gated.product.gemm.epilogue = op::Epilogue::bias;
  expect_near(
      run(gated, {floats({2}), floats({-1, 3}), floats({3, 1}), floats({4, 5}), floats({1, 0}), floats({7, 7})}, 5),
      {9, 70}, 0);
}

TEST_F(CpuKernels, RotaryAndAppendInOne) {
  const measure::RotaryAppendKernel kernel{
      .rotary = {1, 1, 2, false, Dtype::fp32}, .kv_heads = 1, .head_dim = 3, .capacity = 2};
  const std::vector<Data> operands = {whole_numbers({1}), whole_numbers({0}), floats({1, 0, 0, 1}), floats({1, 2, 3}),
                                      floats({4, 5, 6}),  floats({7, 8, 9}),  floats(Values(6)),    floats(Values(6))};
  expect_near(run(kernel, operands, 3), {-2, 1, 3}, 0);
  expect_near(run(kernel, operands, 4), {4, 5, 6}, 0);
  expect_near(run(kernel, operands, 6), {0, 0, 0, -5, 4, 6}, 0);
  expect_near(run(kernel, operands, 7), {0, 0, 0, 7, 8, 9}, 0);
}

TEST_F(CpuKernels, ProductWithBiasAndLayouts) {
  const measure::ProductKernel biased{.gemm = {1, 1, 2, 2, Dtype::bf16, Layout::nt, op::Epilogue::bias}};
  expect_near(
      run(biased,
          {{Element::bf16, {1, 2}}, {Element::bf16, {1, 1, 2, 2}}, {Element::bf16, {10, 20}}, {Element::bf16, {0, 0}}},
          3),
      {13, 26}, 0);
  const measure::ProductKernel turned{.gemm = {1, 2, 1, 2, Dtype::fp32, Layout::tn}};
  expect_near(run(turned, {floats({1, 2, 3, 4}), floats({1, 10}), floats({0, 0})}, 2), {31, 42}, 0);
  const measure::ProductKernel plain{.gemm = {1, 1, 2, 2, Dtype::fp32, Layout::nn}};
  expect_near(run(plain, {floats({1, 2}), floats({1, 2, 3, 4}), floats({0, 0})}, 2), {7, 10}, 0);
}

TEST_F(CpuKernels, ProductsOfABatchApart) {
  const measure::ProductKernel kernel{
      .gemm = {2, 1, 1, 2, Dtype::fp32, Layout::nt}, .a_batch = 3, .b_batch = 2, .c_batch = 2};
  expect_near(run(kernel, {floats({1, 2, 9, 3, 4}), floats({1, 1, 2, 2}), floats({7, 7, 7})}, 2), {3, 7, 14}, 0);
}

TEST_F(CpuKernels, ProductIsRoundedOnce) {
  const measure::ProductKernel kernel{.gemm = {1, 1, 1, 2, Dtype::bf16, Layout::nt}, .accumulate = true};
  // 256 + 1 and 257 + 1 would each fall back to 256 in bf16; the sum 258 is one of its numbers.
  expect_near(run(kernel, {{Element::bf16, {1, 1}}, {Element::bf16, {1, 1}}, {Element::bf16, {256}}}, 2), {258}, 0);
}

TEST_F(CpuKernels, WhatIsWrongIsNamed) {
  EXPECT_NE(refusal(measure::ProductKernel{.gemm = {1, 2, 2, 8, Dtype::bf16}, .a_stride = 4}).find("a_stride = 4"),
            std::string::npos);
  EXPECT_NE(refusal(measure::ProductKernel{.gemm = {1, 2, 2, 8, Dtype::bf16, Layout::nt, op::Epilogue::gelu},
                                           .accumulate = true})
                .find("accumulate"),
            std::string::npos);
  EXPECT_NE(refusal(measure::NormKernel{.norm = {4, 8, shape::NormKind::rms_norm, false, Dtype::fp8}}).find("norm"),
            std::string::npos);
  op::Attention odd{.queries = 1, .keys = 4, .heads = 3, .kv_heads = 2};
  EXPECT_NE(refusal(measure::AttentionKernel{.attention = odd}).find("kv_heads = 2"), std::string::npos);
  EXPECT_NE(refusal(measure::ProductKernel{.gemm = {1, 2, 2, 8}}, "own:gemv").find("own:gemv"), std::string::npos);
}

/// Rows of products by loops are the same bits in other company; parts and their rounding are other bits.
TEST_F(CpuKernels, ProductsSumInTheOrderOfTheirKey) {
  const std::int64_t n = 7, k = 50;
  const auto product = [&](std::int64_t m) {
    return measure::ProductKernel{.gemm = {1, m, n, k, Dtype::bf16, op::Layout::nt, op::Epilogue::none}};
  };
  const Data a = random(Element::bf16, 9 * k, 1);
  const Data b = random(Element::bf16, n * k, 2);
  const auto computed = [&](const Data& rows, const char* key) {
    const auto m = static_cast<std::int64_t>(rows.values.size()) / k;
    return run_kernel(backend_, product(m), {rows, b, random(Element::bf16, m * n, 3)}, 2, key);
  };
  for (const char* key : {"loops", "split:1", "split:3", "rounded:4"}) {
    const Values all = computed(a, key);
    expect_near(all, computed(a, "openblas"), 0.04);
    for (const std::int64_t row : {0, 4, 8}) {
      const Data one{a.element, Values(a.values.begin() + row * k, a.values.begin() + (row + 1) * k)};
      EXPECT_EQ(computed(one, key), Values(all.begin() + row * n, all.begin() + (row + 1) * n)) << key;
    }
  }
  EXPECT_EQ(computed(a, "loops"), computed(a, "split:1"));
  EXPECT_NE(computed(a, "loops"), computed(a, "rounded:4"));
  for (const char* key : {"split:0", "split:", "split:2x", "rounded", "loop"}) {
    measure::Plan* plan = nullptr;
    const measure::Status status = backend_.plan_kernel(product(1), key, &plan);
    EXPECT_EQ(status.code, measure::StatusCode::unsupported) << key;
    EXPECT_NE(std::string(status.message).find("split:N"), std::string::npos) << status.message;
  }
}

/// softmax(q k^T / sqrt(head_dim)) v by the definition.
Values naive(const measure::AttentionKernel& given, const std::vector<Data>& operands) {
  const auto kernel = std::get<measure::AttentionKernel>(measure::with_strides(given));
  const op::Attention& a = kernel.attention;
  const auto at = [&](std::size_t operand, std::int64_t index) {
    return operands[operand].values[static_cast<std::size_t>(index)];
  };
  Values o = operands.back().values;
  for (std::int64_t b = 0; b < a.batch; ++b)
    for (std::int64_t i = 0; i < a.queries; ++i)
      for (std::int64_t h = 0; h < a.heads; ++h) {
        const std::int64_t slot = kernel.slots ? static_cast<std::int64_t>(at(kernel.lengths ? 4 : 3, b)) : b;
        const std::int64_t length = slot < 0 ? 0 : kernel.lengths ? static_cast<std::int64_t>(at(3, b)) : a.keys;
        const std::int64_t place = std::max<std::int64_t>(length - a.queries + i, 0);
        const std::int64_t kv = h * a.kv_heads / a.heads;
        Values weights(static_cast<std::size_t>(length));
        double sum = 0;
        for (std::int64_t j = 0; j < length; ++j) {
          if (a.causal && j > place) continue;
          if (a.window > 0 && j <= place - a.window) continue;
          double dot = 0;
          for (std::int64_t d = 0; d < a.head_dim; ++d)
            dot += at(0, (b * a.queries + i) * kernel.q_stride + h * a.head_dim + d) *
                   at(1, slot * kernel.k_sequence + j * kernel.k_stride + kv * a.head_dim + d);
          sum += weights[static_cast<std::size_t>(j)] = std::exp(dot / std::sqrt(static_cast<double>(a.head_dim)));
        }
        for (std::int64_t d = 0; d < a.value_dim; ++d) {
          double out = 0;
          for (std::int64_t j = 0; j < length; ++j)
            out += weights[static_cast<std::size_t>(j)] *
                   at(2, slot * kernel.v_sequence + j * kernel.v_stride + kv * a.value_dim + d);
          o[static_cast<std::size_t>((b * a.queries + i) * kernel.o_stride + h * a.value_dim + d)] =
              sum > 0 ? out / sum : 0;
        }
      }
  return o;
}

std::vector<Data> attention_operands(const measure::AttentionKernel& given, std::vector<std::int32_t> lengths,
                                     std::vector<std::int32_t> slots = {}) {
  const auto kernel = std::get<measure::AttentionKernel>(measure::with_strides(given));
  const op::Attention& a = kernel.attention;
  std::vector<Data> operands = {random(Element::fp32, a.batch * a.queries * kernel.q_stride, 1),
                                random(Element::fp32, a.batch * kernel.k_sequence, 2),
                                random(Element::fp32, a.batch * kernel.v_sequence, 3)};
  if (kernel.lengths) operands.push_back(whole_numbers(std::move(lengths)));
  if (kernel.slots) operands.push_back(whole_numbers(std::move(slots)));
  operands.push_back(random(Element::fp32, a.batch * a.queries * kernel.o_stride, 4));
  return operands;
}

TEST_F(CpuKernels, AttentionIsItsDefinition) {
  const auto expect = [&](const measure::AttentionKernel& kernel, std::vector<std::int32_t> lengths = {},
                          std::vector<std::int32_t> slots = {}) {
    const std::vector<Data> operands = attention_operands(kernel, std::move(lengths), std::move(slots));
    expect_near(run(kernel, operands, operands.size() - 1), naive(kernel, operands), 1e-5);
  };
  const op::Attention square{.batch = 2,
                             .queries = 7,
                             .keys = 7,
                             .heads = 4,
                             .kv_heads = 2,
                             .head_dim = 6,
                             .value_dim = 5,
                             .dtype = Dtype::fp32};
  expect({.attention = square});
  op::Attention open = square;
  open.causal = false;
  expect({.attention = open});
  expect({.attention = square, .q_stride = 30, .k_stride = 17, .v_stride = 12, .o_stride = 21, .k_sequence = 130});
  op::Attention windowed = square;
  windowed.window = 3;
  expect({.attention = windowed});
  op::Attention decode = windowed;
  decode.queries = 2;
  decode.keys = 9;
  decode.batch = 4;
  expect({.attention = decode, .lengths = true, .splits = 3}, {9, 2, 1, 0});
  decode.window = 0;
  expect({.attention = decode, .lengths = true}, {5, 9, 1, 0});
  expect({.attention = decode, .lengths = true, .slots = true}, {5, 9, 3, 0}, {3, 0, -1, 2});
  expect({.attention = decode, .slots = true}, {}, {1, 1, 2, -7});
}

TEST_F(CpuKernels, NormsOfGroupsInPlace) {
  const measure::NormKernel rms{.norm = {2, 2, shape::NormKind::rms_norm, false, Dtype::fp32},
                                .epsilon = 0,
                                .groups = 2,
                                .x_stride = 5,
                                .y_stride = 4};
  const double root = std::sqrt(2.0);
  expect_near(run(rms, {floats({1, 1, 3, 3, 9, 2, -2, 0, 5, 9}), floats({1, 2}), floats(Values(8, 7))}, 2),
              {1, 2, 1, 2, 1, -2, 0, 2 * root}, 1e-6);
  const measure::NormKernel layer{.norm = {1, 4, shape::NormKind::layer_norm, false, Dtype::fp32}, .epsilon = 3};
  // mean 2.5, variance 1.25: a standard deviation of sqrt(4.25).
  const double unit = 1 / std::sqrt(4.25);
  expect_near(run(layer, {floats({1, 2, 3, 4}), floats({1, 1, 2, 2}), floats({0, 1, 0, 1}), floats(Values(4, 7))}, 3),
              {-1.5 * unit, 1 - 0.5 * unit, unit, 1 + 3 * unit}, 1e-6);
}

TEST_F(CpuKernels, RotationLeavesWhatIsNotRotated) {
  const measure::RotaryKernel kernel{.rotary = {2, 2, 4, false, Dtype::fp32}, .head_dim = 5, .x_stride = 11};
  // Position 1 turns the first pair by 90 degrees and the second not at all.
  const Data rotation = floats({1, 0, 1, 0, 0, 1, 1, 0});
  Values x(22);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  Values expected = x;
  for (const std::size_t head : {11u, 16u}) {
    expected[head] = -x[head + 2];
    expected[head + 2] = x[head];
  }
  expect_near(run(kernel, {whole_numbers({0, 1}), rotation, floats(x)}, 2), expected, 0);
}

TEST_F(CpuKernels, AppendWritesSlotsAndLeavesOthers) {
  const measure::AppendKernel kernel{.rows = 3,
                                     .key_width = 2,
                                     .value_width = 1,
                                     .k_stride = 4,
                                     .v_stride = 3,
                                     .capacity = 2,
                                     .element = Element::bf16};
  const std::vector<Data> operands = {whole_numbers({1, 0, 0}),
                                      whole_numbers({1, -1, 0}),
                                      {Element::bf16, {1, 2, 0, 0, 3, 4, 0, 0, 5, 6}},
                                      {Element::bf16, {7, 0, 0, 8, 0, 0, 9}},
                                      {Element::bf16, Values(8, -1)},
                                      {Element::bf16, Values(4, -1)}};
  expect_near(run(kernel, operands, 4), {5, 6, -1, -1, -1, -1, 1, 2}, 0);
  expect_near(run(kernel, operands, 5), {9, -1, -1, 7}, 0);
}

TEST_F(CpuKernels, Activations) {
  const auto value = [&](shape::Activation function, measure::Gelu gelu, double x) {
    const measure::ActivationKernel kernel{.activation = {1, 1, function, false, false, Dtype::fp32}, .gelu = gelu};
    return run(kernel, {floats({x}), floats({0})}, 1)[0];
  };
  EXPECT_NEAR(value(shape::Activation::gelu, measure::Gelu::erf, 1), 0.8413447, 1e-6);
  EXPECT_NEAR(value(shape::Activation::gelu, measure::Gelu::tanh, 1), 0.8411920, 1e-6);
  EXPECT_NEAR(value(shape::Activation::silu, measure::Gelu::tanh, 1), 0.7310586, 1e-6);
  EXPECT_EQ(value(shape::Activation::relu, measure::Gelu::tanh, -1), 0);
  const measure::ActivationKernel gated{
      .activation = {2, 1, shape::Activation::relu, true, false, Dtype::fp32}, .x_stride = 2, .y_stride = 3};
  expect_near(run(gated, {floats({2, 0, 3}), floats({5, 0, 7}), floats({9, 9, 9, 9})}, 2), {10, 9, 9, 21}, 0);
}

TEST_F(CpuKernels, EmbeddingOfTokensOutsideTheTable) {
  const measure::EmbeddingKernel kernel{
      .embedding = {4, 2, true, false, Dtype::fp32}, .table_rows = 2, .position_rows = 3, .position_offset = 1};
  expect_near(run(kernel,
                  {whole_numbers({1, 2, -1, 0}), floats({1, 2, 3, 4}), whole_numbers({0, 0, 0, 9}),
                   floats({0, 0, 10, 20, 30, 40}), floats(Values(8, 7))},
                  4),
              {13, 24, 0, 0, 0, 0, 1, 2}, 0);
}

TEST_F(CpuKernels, GatheredRows) {
  const measure::GatherKernel kernel{.rows = 3, .width = 2, .x_stride = 3, .element = Element::fp32};
  expect_near(run(kernel, {floats({1, 2, 9, 3, 4, 9}), whole_numbers({1, -1, 0}), floats(Values(6, 7))}, 2),
              {3, 4, 0, 0, 1, 2}, 0);
}

TEST_F(CpuKernels, SoftmaxUnderMaskAndWindow) {
  measure::SoftmaxKernel kernel{.softmax = {4, 3, true, false, Dtype::fp32}, .queries = 2, .scale = 0.5f};
  const double e = std::exp(0.5) / (1 + std::exp(0.5));
  const Data x = floats({0, 1, 99, 0, 0, 0, 0, 1, 99, 0, 0, 0});
  const double third = 1.0 / 3;
  expect_near(run(kernel, {x, floats(Values(12, 7))}, 1),
              {1 - e, e, 0, third, third, third, 1 - e, e, 0, third, third, third}, 1e-6);
  kernel.window = 1;
  expect_near(run(kernel, {x, floats(Values(12, 7))}, 1), {0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1}, 1e-6);
}

TEST_F(CpuKernels, HeadsThereAndBack) {
  measure::HeadsKernel kernel{
      .batch = 1, .tokens = 2, .heads = 2, .dim = 1, .repeat = 2, .token_stride = 3, .element = Element::fp32};
  // Token 0: heads 1 and 2; token 1: heads 3 and 4.
  expect_near(run(kernel, {floats({1, 2, 9, 3, 4, 9}), floats(Values(8, 7))}, 1), {1, 3, 1, 3, 2, 4, 2, 4}, 0);
  kernel.gather = true;
  kernel.repeat = 1;
  expect_near(run(kernel, {floats({1, 3, 2, 4}), floats(Values(6, 7))}, 1), {1, 2, 7, 3, 4, 7}, 0);
}

TEST_F(CpuKernels, GreedyTokenIsTheFirstOfEquals) {
  const measure::SampleKernel kernel{.rows = 2, .vocab = 3, .stride = 4, .element = Element::fp32};
  const Data parameters = bytes_of({{}, {}});
  expect_near(run(kernel, {floats({1, 5, 5, 99, -3, -3, -3, 99}), parameters, whole_numbers({9, 9})}, 2), {1, 0}, 0);
}

TEST_F(CpuKernels, SampledTokensFollowTheirProbabilities) {
  constexpr std::int64_t rows = 20000;
  const measure::SampleKernel kernel{.rows = rows, .vocab = 3, .element = Element::fp32};
  Values logits;
  std::vector<measure::SampleParameters> parameters;
  for (std::int32_t row = 0; row < rows; ++row) {
    logits.insert(logits.end(), {0, 2 * std::log(2.0), 2 * std::log(5.0)});  // at temperature 2: 1 to 2 to 5
    parameters.push_back({.seed = 11, .position = row, .temperature = 2});
  }
  const Values tokens =
      run(kernel, {floats(logits), bytes_of(parameters), {Element::int32, Values(static_cast<std::size_t>(rows))}}, 2);
  const auto share = [&](double token) {
    return static_cast<double>(std::count(tokens.begin(), tokens.end(), token)) / static_cast<double>(rows);
  };
  EXPECT_NEAR(share(0), 1.0 / 8, 0.01);
  EXPECT_NEAR(share(1), 2.0 / 8, 0.015);
  EXPECT_NEAR(share(2), 5.0 / 8, 0.015);
}

TEST_F(CpuKernels, AdvanceAddsOne) {
  const measure::AdvanceKernel kernel{.rows = 2};
  KernelCall call(backend_, kernel,
                  {whole_numbers({5, 6}), whole_numbers({1, 2, 7}), whole_numbers({3, 4, 7}),
                   bytes_of({{.seed = 1, .position = 8, .temperature = 0.5f}, {.position = -1}})});
  call.run();
  EXPECT_EQ(call.read(1), (Values{2, 3, 7}));
  EXPECT_EQ(call.read(2), (Values{4, 5, 7}));
  const auto parameters = parameters_of(call.read(3));
  EXPECT_EQ(parameters[0].position, 9);
  EXPECT_EQ(parameters[0].seed, 1u);
  EXPECT_EQ(parameters[0].temperature, 0.5f);
  EXPECT_EQ(parameters[1].position, 0);
}

TEST_F(CpuKernels, FillIsMeanAndScaledNoise) {
  const measure::FillKernel kernel{.elements = 5, .element = Element::fp32, .seed = 3, .mean = 2, .scale = 0.5f};
  Values expected;
  for (std::uint64_t i = 0; i < 5; ++i)
    expected.push_back(2 + 0.5 * static_cast<double>(measure::random_uniform(3, i)));
  expect_near(run(kernel, {floats(Values(5))}, 0), expected, 1e-6);
}

TEST_F(CpuKernels, AreReplayedAndTimedOneByOne) {
  KernelCall call(backend_, measure::AdvanceKernel{.rows = 1},
                  {whole_numbers({0}), whole_numbers({0}), whole_numbers({0}), bytes_of({{}})});
  const measure::Call one = call.call();
  measure::Recording* made = nullptr;
  measure::require(backend_.record(&one, 1, measure::Replay::graph, &made));
  const std::unique_ptr<measure::Recording> recording(made);
  measure::require(backend_.replay(recording.get(), 3));
  const measure::Call both[] = {one, one};
  double times_s[2] = {-1, -1};
  measure::require(backend_.time_each(both, 2, times_s));
  EXPECT_GE(times_s[0], 0);
  EXPECT_GE(times_s[1], 0);
  EXPECT_EQ(call.read(1), Values{5});
}

TEST(PortableLog, IsTheLogarithm) {
  for (std::uint64_t i = 0; i < 100000; ++i) {
    const float x = measure::random_positive(1, i) * 20 + 1e-7f;
    const double exact = std::log(static_cast<double>(x));
    EXPECT_NEAR(measure::portable_log(x), exact, 1e-7 * std::max(std::abs(exact), 1e-3)) << x;
  }
  for (const float x : {5.9604645e-8f, 1 - 5.9604645e-8f, 1.0f, 0.5f, 16.6f})
    EXPECT_FLOAT_EQ(measure::portable_log(x), std::log(x)) << x;
}

TEST(GumbelNoise, HasItsMeanAndVariance) {
  constexpr std::int32_t count = 200000;
  double sum = 0;
  double squares = 0;
  for (std::int32_t i = 0; i < count; ++i) {
    const double noise = static_cast<double>(measure::gumbel_noise(5, i % 7, i));
    ASSERT_TRUE(std::isfinite(noise));
    sum += noise;
    squares += noise * noise;
  }
  const double mean = sum / count;
  EXPECT_NEAR(mean, 0.5772157, 0.01);
  EXPECT_NEAR(squares / count - mean * mean, 1.6449341, 0.03);
  EXPECT_NE(measure::gumbel_noise(5, 1, 2), measure::gumbel_noise(5, 2, 2));
  EXPECT_NE(measure::gumbel_noise(5, 1, 2), measure::gumbel_noise(6, 1, 2));
}

}  // namespace
}  // namespace gemmetry::backends
