#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "backends/cuda_fixture.h"
#include "backends/kernel_call.h"
#include "backends/kernel_close.h"
#include "gemmetry/backends/cpu/cpu_backend.h"
#include "gemmetry/measure/tolerance.h"

// Kernels of the CUDA backend against the CPU's on the same values.

namespace gemmetry::backends {
namespace {

using op::Layout;
using shape::Dtype;

/// Operands of a product in arrays that are a little larger.
struct ProductCase {
  op::Gemm gemm;
  std::int64_t pad = 0;     ///< elements between rows
  std::int64_t offset = 0;  ///< elements before the arrays
  bool accumulate = false;
  bool residual = false;
};

/// Of sums in fp32; and where the library chooses, of parts of k that it may round before it adds them.
double product_error(const op::Gemm& g, bool own) {
  const double squares = static_cast<double>(g.k) / 9;  // of terms that are products of numbers on [-1, 1)
  const measure::Sum sum{std::sqrt(squares), squares, 0, g.k};
  return (own ? 0 : measure::product_error(sum, g.dtype, 4)) + 3e-7 * static_cast<double>(g.k) + 1e-6;
}

void expect_product(measure::Backend& cuda, const ProductCase& given, const char* key = nullptr) {
  const op::Gemm& g = given.gemm;
  const bool a_turned = g.layout == Layout::tn;
  const bool b_turned = g.layout == Layout::nt;
  measure::ProductKernel kernel{.gemm = g,
                                .a_stride = (a_turned ? g.m : g.k) + given.pad,
                                .b_stride = (b_turned ? g.k : g.n) + given.pad,
                                .c_stride = g.n + given.pad,
                                .accumulate = given.accumulate,
                                .residual = given.residual,
                                .constant_b = given.pad != 8};
  const auto settled = std::get<measure::ProductKernel>(measure::with_strides(kernel));
  const Element type = element(g.dtype);
  std::vector<Data> operands = {random(type, g.batch * settled.a_batch, 1, given.offset),
                                random(type, g.batch * settled.b_batch, 2, given.offset)};
  if (measure::reads_bias(kernel)) operands.push_back(random(type, g.n, 3, given.offset));
  if (given.residual) operands.push_back(random(type, g.batch * settled.c_batch, 5, given.offset));
  operands.push_back(random(type, g.batch * settled.c_batch, 4, given.offset));
  const std::string what = "product " + std::string(shape::name(g.dtype)) + " " + std::string(op::name(g.layout)) +
                           " " + std::to_string(g.m) + "x" + std::to_string(g.n) + "x" + std::to_string(g.k) +
                           " batch " + std::to_string(g.batch) + " pad " + std::to_string(given.pad) + " offset " +
                           std::to_string(given.offset) + (given.accumulate ? " accumulate" : "") +
                           (given.residual ? " residual" : "") + (key ? std::string(" ") + key : "");
  expect_same(cuda, kernel, operands, operands.size() - 1, product_error(g, key != nullptr), what, key);
}

TEST_F(Cuda, ProductKernelsOfFewRows) {
  for (const Dtype dtype : floats)
    for (const std::int64_t m : {1, 2, 3, 4, 5, 8})
      for (const auto& [n, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{
               {1, 1}, {7, 8}, {130, 37}, {33, 1000}, {1057, 264}, {90, 4104}, {40, 11008}})
        for (const std::int64_t pad : {0, 8, 3}) {
          expect_product(*backend_, {{1, m, n, k, dtype, Layout::nt}, pad}, "own:gemv");
          expect_product(*backend_, {{1, m, n, k, dtype, Layout::nt, op::Epilogue::bias}, pad, 1, true}, "own:gemv");
          expect_product(*backend_, {{1, m, n, k, dtype, Layout::nt, op::Epilogue::bias_gelu}, pad}, "own:gemv");
          expect_product(*backend_, {{1, m, n, k, dtype, Layout::nt}, pad, 0, false, true}, "own:gemv");
        }
}

TEST_F(Cuda, ProductKernelsWithTheActivationBehindThem) {
  for (const Dtype dtype : floats)
    for (const std::int64_t m : {1, 2, 3, 8})
      for (const auto& [n, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 8}, {37, 65}, {600, 264}})
        for (const std::int64_t pad : {0, 3})
          for (const bool gated : {false, true})
            for (const op::Epilogue epilogue : {op::Epilogue::none, op::Epilogue::bias})
              for (const shape::Activation function :
                   {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu}) {
                const measure::ActivatedProductKernel kernel{
                    .product = {.gemm = {1, m, n, k, dtype, Layout::nt, epilogue},
                                .a_stride = k + pad,
                                .b_stride = k + pad,
                                .c_stride = n + pad,
                                .constant_b = pad == 0},
                    .function = function,
                    .gelu = gated ? measure::Gelu::erf : measure::Gelu::tanh,
                    .gated = gated};
                const Element type = element(dtype);
                std::vector<Data> operands = {random(type, m * (k + pad), 1)};
                for (std::uint64_t i = 0; i < (gated ? 2 : 1); ++i) {
                  operands.push_back(random(type, n * (k + pad), 2 + i));
                  if (epilogue == op::Epilogue::bias) operands.push_back(random(type, n, 4 + i));
                }
                operands.push_back(random(type, m * (n + pad), 6));
                expect_same(*backend_, kernel, operands, operands.size() - 1, 2e-6 * static_cast<double>(k) + 1e-5,
                            "activated product " + std::to_string(m) + "x" + std::to_string(n) + "x" +
                                std::to_string(k) + (gated ? " gated" : ""));
              }
}

TEST_F(Cuda, ProductKernelsInLargerArrays) {
  for (const Dtype dtype : floats)
    for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn})
      for (const std::int64_t pad : {0, 8, 5})
        for (const std::int64_t offset : {0, 1})
          for (const bool accumulate : {false, true}) {
            expect_product(*backend_, {{1, 3, 40, 64, dtype, layout}, pad, offset, accumulate});
            expect_product(*backend_, {{1, 77, 136, 264, dtype, layout}, pad, offset, accumulate});
            expect_product(*backend_, {{1, 77, 136, 264, dtype, layout}, pad, offset, false, !accumulate});
            expect_product(*backend_, {{3, 33, 48, 65, dtype, layout}, pad, offset, accumulate});
            expect_product(*backend_, {{2, 1, 48, 0, dtype, layout}, pad, offset, accumulate});
          }
  for (const Dtype dtype : floats)
    for (const bool accumulate : {false, true})
      expect_product(*backend_, {{1, 64, 128, 256, dtype, Layout::nt, op::Epilogue::bias}, 8, 0, accumulate});
}

TEST_F(Cuda, NormKernels) {
  for (const Dtype dtype : floats)
    for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
      for (const auto& [rows, width, groups] : std::vector<std::array<std::int64_t, 3>>{{1, 1, 1},
                                                                                        {5, 8, 1},
                                                                                        {3, 37, 2},
                                                                                        {7, 64, 40},
                                                                                        {2, 128, 3},
                                                                                        {4, 1000, 1},
                                                                                        {3, 4096, 1},
                                                                                        {2, 8200, 1},
                                                                                        {1, 16384, 1},
                                                                                        {2, 40000, 1},
                                                                                        {300, 2560, 1},
                                                                                        {2500, 1024, 1}})
        for (const std::int64_t pad : {0, 16, 3}) {
          const Element type = element(dtype);
          const measure::NormKernel kernel{.norm = {rows, width, kind, false, dtype},
                                           .epsilon = 1e-3f,
                                           .groups = groups,
                                           .x_stride = groups * width + pad,
                                           .y_stride = groups * width + 2 * pad};
          std::vector<Data> operands = {random(type, rows * kernel.x_stride, 1), random(type, width, 2)};
          if (kind == shape::NormKind::layer_norm) operands.push_back(random(type, width, 3));
          operands.push_back(random(type, rows * kernel.y_stride, 4));
          expect_same(*backend_, kernel, operands, operands.size() - 1, 2e-5,
                      "norm " + std::to_string(rows) + "x" + std::to_string(groups) + "x" + std::to_string(width) +
                          " pad " + std::to_string(pad));
        }
}

TEST_F(Cuda, NormKernelsInPlace) {
  const op::Norm norm{6, 512, shape::NormKind::rms_norm, false, Dtype::bf16};
  const measure::NormKernel kernel{.norm = norm, .groups = 3};
  const std::vector<Data> operands = {random(Element::bf16, 6 * 3 * 512, 1), random(Element::bf16, 512, 2),
                                      random(Element::bf16, 6 * 3 * 512, 3)};
  const Values apart = run_kernel(*backend_, kernel, operands, 2);
  KernelCall call(*backend_, kernel, operands);
  measure::Call one = call.call();
  void* const pointers[] = {one.operands[0], one.operands[1], one.operands[0]};
  one.operands = pointers;
  measure::require(backend_->run(&one, 1));
  EXPECT_EQ(call.read(0), apart);
}

TEST_F(Cuda, RotaryKernels) {
  for (const Dtype dtype : floats)
    for (const auto& [tokens, heads, dim, head_dim, pad] :
         std::vector<std::array<std::int64_t, 5>>{{1, 1, 2, 2, 0},
                                                  {5, 3, 20, 80, 0},
                                                  {7, 40, 128, 128, 256},
                                                  {33, 5, 64, 96, 8},
                                                  {4, 2, 16, 16, 3},
                                                  {9, 2, 24, 48, 4}}) {
      const measure::RotaryKernel kernel{
          .rotary = {tokens, heads, dim, false, dtype}, .head_dim = head_dim, .x_stride = heads * head_dim + pad};
      std::vector<std::int32_t> positions;
      for (std::int32_t t = 0; t < tokens; ++t) positions.push_back(t * 7 % 50);
      expect_same(*backend_, kernel,
                  {whole_numbers(positions), random(Element::fp32, 50 * dim, 1),
                   random(element(dtype), tokens * kernel.x_stride, 2)},
                  2, 1e-6, "rotary " + std::to_string(dim));
    }
}

TEST_F(Cuda, RotaryAppendKernels) {
  for (const Dtype dtype : floats)
    for (const auto& [heads, kv_heads, dim, head_dim, pad] :
         std::vector<std::array<std::int64_t, 5>>{{4, 4, 16, 64, 0}, {8, 2, 128, 128, 256}, {3, 1, 6, 10, 3}}) {
      const measure::RotaryAppendKernel kernel{.rotary = {5, heads, dim, false, dtype},
                                               .kv_heads = kv_heads,
                                               .head_dim = head_dim,
                                               .value_dim = head_dim,
                                               .q_stride = heads * head_dim + pad,
                                               .k_stride = kv_heads * head_dim + pad,
                                               .v_stride = kv_heads * head_dim + pad,
                                               .capacity = 6};
      const Element type = element(dtype);
      const std::int64_t cached = 3 * 6 * kv_heads * head_dim;
      const std::vector<Data> operands = {whole_numbers({0, 5, 3, 1, 2}),
                                          whole_numbers({2, 0, -1, 0, 1}),
                                          random(Element::fp32, 6 * dim, 1),
                                          random(type, 5 * kernel.q_stride, 2),
                                          random(type, 5 * kernel.k_stride, 3),
                                          random(type, 5 * kernel.v_stride, 4),
                                          random(type, cached, 5),
                                          random(type, cached, 6)};
      for (const std::size_t result : {3, 4, 6, 7})
        expect_same(*backend_, kernel, operands, result, 1e-6, "rotary and append, operand " + std::to_string(result));
    }
}

TEST_F(Cuda, AppendKernels) {
  for (const Dtype dtype : floats)
    for (const auto& [key_width, value_width, pad] :
         std::vector<std::array<std::int64_t, 3>>{{128, 128, 0}, {1024, 512, 64}, {7, 5, 3}}) {
      const measure::AppendKernel kernel{.rows = 5,
                                         .key_width = key_width,
                                         .value_width = value_width,
                                         .k_stride = key_width + pad,
                                         .v_stride = value_width + pad,
                                         .capacity = 6,
                                         .element = element(dtype)};
      const std::vector<Data> operands = {whole_numbers({0, 5, 3, 1, 2}),
                                          whole_numbers({2, 0, -1, 0, 1}),
                                          random(kernel.element, 5 * kernel.k_stride, 1),
                                          random(kernel.element, 5 * kernel.v_stride, 2),
                                          random(kernel.element, 3 * 6 * key_width, 3),
                                          random(kernel.element, 3 * 6 * value_width, 4)};
      expect_same(*backend_, kernel, operands, 4, 0, "append keys");
      expect_same(*backend_, kernel, operands, 5, 0, "append values");
    }
}

TEST_F(Cuda, ActivationKernels) {
  for (const Dtype dtype : floats)
    for (const bool gated : {false, true})
      for (const shape::Activation function :
           {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
        for (const measure::Gelu gelu : {measure::Gelu::tanh, measure::Gelu::erf})
          for (const std::int64_t pad : {0, 8, 3})
            for (const std::int64_t width : {1, 96, 1001}) {
              const Element type = element(dtype);
              const measure::ActivationKernel kernel{.activation = {9, width, function, gated, false, dtype},
                                                     .gelu = gelu,
                                                     .x_stride = width + pad,
                                                     .y_stride = width + 2 * pad};
              Data x = random(type, 9 * kernel.x_stride, 1);
              for (double& value : x.values) value *= 4;
              std::vector<Data> operands = {x};
              if (gated) operands.push_back(random(type, 9 * kernel.x_stride, 2));
              operands.push_back(random(type, 9 * kernel.y_stride, 3));
              expect_same(*backend_, kernel, operands, operands.size() - 1, 3e-6, "activation");
            }
}

TEST_F(Cuda, ActivationKernelsOfManyElements) {
  for (const bool gated : {false, true}) {
    const measure::ActivationKernel kernel{
        .activation = {1100, 2000, shape::Activation::gelu, gated, false, Dtype::bf16},
        .gelu = measure::Gelu::erf,
        .x_stride = 4000,
        .y_stride = 2008};
    Data x = random(Element::bf16, 1100 * kernel.x_stride, 1);
    for (double& value : x.values) value *= 4;
    std::vector<Data> operands = {x};
    if (gated) operands.push_back(random(Element::bf16, 1100 * kernel.x_stride, 2));
    operands.push_back(random(Element::bf16, 1100 * kernel.y_stride, 3));
    expect_same(*backend_, kernel, operands, operands.size() - 1, 3e-6, "activation of many elements");
  }
}

TEST_F(Cuda, LookupKernels) {
  for (const Dtype dtype : floats)
    for (const std::int64_t width : {1, 64, 777}) {
      const Element type = element(dtype);
      const Data tokens = whole_numbers({3, 0, -1, 10, 9, 3});
      const measure::EmbeddingKernel plain{.embedding = {6, width, false, false, dtype}, .table_rows = 10};
      expect_same(*backend_, plain, {tokens, random(type, 10 * width, 1), random(type, 6 * width, 2)}, 2, 0,
                  "embedding");
      const measure::EmbeddingKernel placed{
          .embedding = {6, width, true, false, dtype}, .table_rows = 10, .position_rows = 8, .position_offset = 2};
      expect_same(*backend_, placed,
                  {tokens, random(type, 10 * width, 1), whole_numbers({0, 1, 2, 3, 5, 6}), random(type, 8 * width, 3),
                   random(type, 6 * width, 2)},
                  4, 0, "embedding with positions");
      const measure::GatherKernel gather{.rows = 4, .width = width, .x_stride = width + 8, .element = type};
      expect_same(*backend_, gather,
                  {random(type, 6 * (width + 8), 1), whole_numbers({5, 0, -1, 2}), random(type, 4 * width, 2)}, 2, 0,
                  "gather");
    }
}

TEST_F(Cuda, SoftmaxKernels) {
  for (const Dtype dtype : floats)
    for (const bool causal : {false, true})
      for (const std::int64_t window : {0, 5})
        for (const auto& [rows, queries, columns] : std::vector<std::array<std::int64_t, 3>>{
                 {1, 1, 1}, {6, 3, 8}, {40, 20, 37}, {64, 64, 64}, {12, 4, 1000}, {30, 3, 4096}, {4, 2, 20000}}) {
          const measure::SoftmaxKernel kernel{.softmax = {rows, columns, true, false, dtype},
                                              .queries = queries,
                                              .scale = 1.5f,
                                              .causal = causal,
                                              .window = window};
          const Element type = element(dtype);
          expect_same(*backend_, kernel, {random(type, rows * columns, 1), random(type, rows * columns, 2)}, 1, 1e-6,
                      "softmax " + std::to_string(rows) + "x" + std::to_string(columns));
        }
}

TEST_F(Cuda, HeadsKernels) {
  for (const Dtype dtype : floats)
    for (const bool gather : {false, true})
      for (const std::int64_t dim : {64, 5})
        for (const std::int64_t repeat : {1, 4}) {
          const measure::HeadsKernel kernel{.batch = 2,
                                            .tokens = 7,
                                            .heads = 3,
                                            .dim = dim,
                                            .repeat = repeat,
                                            .token_stride = 3 * repeat * dim + 8,
                                            .gather = gather,
                                            .element = element(dtype)};
          const std::int64_t by_token = 2 * 7 * kernel.token_stride;
          const std::int64_t by_head = 2 * 7 * 3 * dim * (gather ? 1 : repeat);
          expect_same(*backend_, kernel,
                      {random(kernel.element, gather ? by_head : by_token, 1),
                       random(kernel.element, gather ? by_token : by_head, 2)},
                      1, 0, "heads");
        }
}

/// Noise is the same bits, so the tokens are the same.
TEST_F(Cuda, SampleKernels) {
  for (const Dtype dtype : floats)
    for (const std::int64_t pad : {0, 1})
      for (const std::int64_t vocab : {1, 31, 1000, 50257, 128256}) {
        const measure::SampleKernel kernel{.rows = 6, .vocab = vocab, .stride = vocab + pad, .element = element(dtype)};
        const Data parameters = bytes_of({{},
                                          {.seed = 1, .position = 5, .temperature = 1},
                                          {.seed = 1, .position = 6, .temperature = 0.25f},
                                          {.seed = 99, .position = 1000, .temperature = 3},
                                          {.seed = ~std::uint64_t{0}, .position = 0, .temperature = 0.01f},
                                          {}});
        expect_same(*backend_, kernel,
                    {random(kernel.element, 6 * (vocab + pad), 1), parameters, whole_numbers({9, 9, 9, 9, 9, 9})}, 2, 0,
                    "sample of " + std::to_string(vocab));
      }
}

TEST_F(Cuda, GreedySampleIsTheFirstOfEquals) {
  const std::int64_t vocab = 40000;
  const measure::SampleKernel kernel{.rows = 3, .vocab = vocab, .element = Element::bf16};
  Data logits{Element::bf16, Values(static_cast<std::size_t>(3 * vocab), 1)};
  for (const std::int64_t token : {vocab + 33333, vocab + 8191, vocab + 39999})
    logits.values[static_cast<std::size_t>(token)] = 2;
  for (std::int64_t i = 2 * vocab; i < 3 * vocab; ++i) logits.values[static_cast<std::size_t>(i)] = -INFINITY;
  EXPECT_EQ(run_kernel(*backend_, kernel, {logits, bytes_of({{}, {}, {}}), whole_numbers({9, 9, 9})}, 2),
            (Values{0, 8191, 0}));
}

TEST_F(Cuda, FillKernels) {
  for (const Element type : {Element::bf16, Element::fp16, Element::fp32})
    for (const std::int64_t count : {1, 1003}) {
      const measure::FillKernel kernel{.elements = count, .element = type, .seed = 7, .mean = 1, .scale = 0.02f};
      expect_same(*backend_, kernel, {{type, Values(static_cast<std::size_t>(count))}}, 0, 0, "fill");
    }
}

TEST_F(Cuda, AdvanceKernelsReplayedAndTimedOneByOne) {
  KernelCall call(*backend_, measure::AdvanceKernel{.rows = 300},
                  {whole_numbers(std::vector<std::int32_t>(300)), whole_numbers(std::vector<std::int32_t>(300, 4)),
                   whole_numbers(std::vector<std::int32_t>(300, 5)),
                   bytes_of(std::vector<measure::SampleParameters>(300, {.seed = 3, .temperature = 2}))});
  const measure::Call one = call.call();
  for (const measure::Replay replay : {measure::Replay::graph, measure::Replay::stream}) {
    measure::Recording* made = nullptr;
    measure::require(backend_->record(&one, 1, replay, &made));
    const std::unique_ptr<measure::Recording> recording(made);
    measure::require(backend_->replay(recording.get(), 3));
  }
  const std::vector<measure::Call> many(200, one);
  std::vector<double> times_s(many.size(), -1);
  measure::require(backend_->time_each(many.data(), static_cast<std::int32_t>(many.size()), times_s.data()));
  for (const double time_s : times_s) {
    EXPECT_GT(time_s, 0);
    EXPECT_LT(time_s, 1e-3);
  }
  EXPECT_EQ(call.read(1), Values(300, 210));
  EXPECT_EQ(call.read(2), Values(300, 211));
  for (const measure::SampleParameters& parameters : parameters_of(call.read(3))) {
    EXPECT_EQ(parameters.position, 206);
    EXPECT_EQ(parameters.seed, 3u);
  }
}

}  // namespace
}  // namespace gemmetry::backends
