#include "gemmetry/measure/oracle.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::measure {
namespace {

using shape::Dtype;

/// Inputs in fp32 as the seeds make them.
Arrays inputs(const op::Operator& op, std::uint64_t seed = 1) {
  Arrays arrays;
  const std::vector<Operand> described = operands(op);
  for (std::size_t i = 0; i < described.size(); ++i) {
    const bool read = described[i].use != Use::out && described[i].fill != Fill::forward;
    arrays.push_back(read ? fill_values(described[i], seed + i) : std::vector<double>{});
  }
  return arrays;
}

double inner(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// Compares `gradient` with central differences of `loss` by each element of `x`.
void expect_gradient(std::vector<double> x, const std::vector<double>& gradient,
                     const std::function<double(const std::vector<double>&)>& loss, const std::string& what) {
  ASSERT_EQ(x.size(), gradient.size());
  constexpr double h = 1e-5;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double kept = x[i];
    x[i] = kept + h;
    const double above = loss(x);
    x[i] = kept - h;
    const double below = loss(x);
    x[i] = kept;
    EXPECT_NEAR(gradient[i], (above - below) / (2 * h), 1e-7) << what << " " << i;
  }
}

TEST(Oracle, ProductsOfEveryLayoutByHand) {
  // [1 2; 3 4] [5 6; 7 8] = [19 22; 43 50]
  const std::vector<double> a{1, 2, 3, 4}, at{1, 3, 2, 4}, b{5, 6, 7, 8}, bt{5, 7, 6, 8}, c{19, 22, 43, 50};
  const auto product = [](op::Layout layout, const std::vector<double>& x, const std::vector<double>& y) {
    return oracle(op::Gemm{1, 2, 2, 2, Dtype::fp32, layout}, {x, y, {}})[2];
  };
  EXPECT_EQ(product(op::Layout::nn, a, b), c);
  EXPECT_EQ(product(op::Layout::nt, a, bt), c);
  EXPECT_EQ(product(op::Layout::tn, at, b), c);
}

TEST(Oracle, ProductsThatAreNotSquareAndBatches) {
  // 1x3 times 3x2 in two batches.
  const Arrays operands{{1, 2, 3, 0, 1, 0}, {1, 0, 0, 1, 1, 1, 7, 8, 9, 10, 11, 12}, {}};
  const std::vector<double> expected{1 + 3, 2 + 3, 9, 10};
  EXPECT_EQ(oracle(op::Gemm{2, 1, 2, 3, Dtype::fp32, op::Layout::nn}, operands)[2], expected);
}

TEST(Oracle, Epilogues) {
  op::Gemm gemm{1, 1, 2, 1, Dtype::fp32, op::Layout::nn, op::Epilogue::bias};
  EXPECT_EQ(oracle(gemm, {{2}, {3, -1}, {10, 20}, {}})[3], (std::vector<double>{16, 18}));
  gemm.epilogue = op::Epilogue::bias_gelu;
  // tanh-GELU(1) = 0.8411919906, tanh-GELU(-1) = -0.1588080094
  const std::vector<double> c = oracle(gemm, {{1}, {0, -3}, {1, 2}, {}})[3];
  EXPECT_NEAR(c[0], 0.8411919906, 1e-9);
  EXPECT_NEAR(c[1], -0.1588080094, 1e-9);
  const op::Gemm gradient{1, 2, 1, 3, Dtype::fp32, op::Layout::tn, op::Epilogue::bias_gradient};
  const Arrays results = oracle(gradient, {{1, 2, 3, 4, 5, 6}, {1, 1, 1}, {}, {}});
  EXPECT_EQ(results[2], (std::vector<double>{9, 12}));
  EXPECT_EQ(results[3], (std::vector<double>{9, 12}));
}

TEST(Oracle, GroupedProductsSpreadTheirRows) {
  // 3 rows over 2 experts: two and one.
  const Arrays nt =
      oracle(op::GroupedGemm{2, 3, 1, 2, Dtype::fp32, op::Layout::nt}, {{1, 2, 3, 4, 5, 6}, {1, 0, 0, 10}, {}});
  EXPECT_EQ(nt[2], (std::vector<double>{1, 3, 60}));
  const Arrays nn = oracle(op::GroupedGemm{2, 3, 2, 1, Dtype::fp32, op::Layout::nn}, {{1, 2, 3}, {1, 2, 3, 4}, {}});
  EXPECT_EQ(nn[2], (std::vector<double>{1, 2, 2, 4, 9, 12}));
  // c[e][n,k] = y^T x; an expert without rows has 0.
  const Arrays tn = oracle(op::GroupedGemm{3, 2, 1, 2, Dtype::fp32, op::Layout::tn}, {{2, 3}, {1, 2, 3, 4}, {}});
  EXPECT_EQ(tn[2], (std::vector<double>{2, 4, 9, 12, 0, 0}));
}

TEST(Oracle, AttentionByHand) {
  // Scores q k / sqrt(1): query 0 sees key 0, query 1 both with weights e^0, e^ln3.
  op::Attention a{.queries = 2, .keys = 2, .head_dim = 1, .value_dim = 2, .dtype = Dtype::fp32};
  const double ln3 = std::log(3.0);
  const Arrays results = oracle(a, {{5, 1}, {0, ln3}, {1, 2, 5, 10}, {}, {}});
  const std::vector<double> expected{1, 2, (1 + 3 * 5) / 4.0, (2 + 3 * 10) / 4.0};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(results[3][i], expected[i], 1e-14);
  EXPECT_NEAR(results[4][0], 0, 1e-14);
  EXPECT_NEAR(results[4][1], std::log(4.0), 1e-14);
  a.window = 1;
  const Arrays alone = oracle(a, {{5, 1}, {0, ln3}, {1, 2, 5, 10}, {}, {}});
  EXPECT_EQ(alone[3], (std::vector<double>{1, 2, 5, 10}));
}

TEST(Oracle, QueryHeadsShareKeyValueHeads) {
  // Four heads over two: with one key, each writes the value of its own.
  const op::Attention a{.queries = 1, .keys = 1, .heads = 4, .kv_heads = 2, .head_dim = 1, .value_dim = 1};
  const Arrays results = oracle(a, {{1, 2, 3, 4}, {1, 1}, {7, 8}, {}});
  EXPECT_EQ(results[3], (std::vector<double>{7, 7, 8, 8}));
  EXPECT_EQ(results.size(), 4u) << "one query writes o alone";
}

TEST(Oracle, AttentionBackwardIsTheDerivative) {
  op::Attention a{.batch = 2,
                  .queries = 3,
                  .keys = 4,
                  .heads = 2,
                  .kv_heads = 1,
                  .head_dim = 3,
                  .value_dim = 2,
                  .window = 3,
                  .backward = true,
                  .dtype = Dtype::fp32};
  for (const bool causal : {true, false}) {
    a.causal = causal;
    const Arrays operands = inputs(a);
    const Arrays results = oracle(a, operands);
    op::Attention forward = a;
    forward.backward = false;
    for (std::size_t input = 0; input < 3; ++input)
      expect_gradient(
          operands[input], results[6 + input],
          [&](const std::vector<double>& x) {
            Arrays changed{operands[0], operands[1], operands[2], {}, {}};
            changed[input] = x;
            return inner(oracle(forward, changed)[3], operands[5]);
          },
          "input " + std::to_string(input));
  }
}

TEST(Oracle, NormsByHand) {
  const double rstd = 1 / std::sqrt(1 + norm_epsilon);
  const Arrays layer =
      oracle(op::Norm{1, 2, shape::NormKind::layer_norm, false, Dtype::fp32}, {{1, 3}, {2, 3}, {10, 20}, {}, {}, {}});
  EXPECT_NEAR(layer[3][0], 10 - 2 * rstd, 1e-14);
  EXPECT_NEAR(layer[3][1], 20 + 3 * rstd, 1e-14);
  EXPECT_NEAR(layer[4][0], 2, 1e-14);
  EXPECT_NEAR(layer[5][0], rstd, 1e-14);
  const Arrays rms = oracle(op::Norm{1, 2, shape::NormKind::rms_norm, false, Dtype::fp32}, {{3, 4}, {1, 2}, {}, {}});
  EXPECT_NEAR(rms[2][0], 3 / std::sqrt(12.5 + norm_epsilon), 1e-14);
  EXPECT_NEAR(rms[2][1], 8 / std::sqrt(12.5 + norm_epsilon), 1e-14);
}

TEST(Oracle, NormBackwardIsTheDerivative) {
  for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm}) {
    const bool layer = kind == shape::NormKind::layer_norm;
    const op::Norm norm{3, 5, kind, true, Dtype::fp32};
    const Arrays operands = inputs(norm);
    const Arrays results = oracle(norm, operands);
    const std::size_t dx = layer ? 5 : 4;
    const auto loss = [&](const std::vector<double>& x, const std::vector<double>& weight,
                          const std::vector<double>& bias) {
      const Arrays given = layer ? Arrays{x, weight, bias, {}, {}, {}} : Arrays{x, weight, {}, {}};
      return inner(oracle(op::Norm{3, 5, kind, false, Dtype::fp32}, given)[layer ? 3 : 2], operands[2]);
    };
    const std::vector<double> none(5);
    expect_gradient(
        operands[0], results[dx], [&](const auto& x) { return loss(x, operands[1], none); }, "x");
    expect_gradient(
        operands[1], results[dx + 1], [&](const auto& w) { return loss(operands[0], w, none); }, "weight");
    if (layer)
      expect_gradient(
          none, results[dx + 2], [&](const auto& b) { return loss(operands[0], operands[1], b); }, "bias");
  }
}

TEST(Oracle, SoftmaxByHand) {
  const double ln3 = std::log(3.0);
  const Arrays plain = oracle(op::Softmax{1, 2, false, false, Dtype::fp32}, {{0, ln3}, {}});
  EXPECT_NEAR(plain[1][0], 0.25, 1e-15);
  const Arrays masked = oracle(op::Softmax{2, 2, true, false, Dtype::fp32}, {{0, 99, 0, 8 * ln3}, {}});
  EXPECT_EQ(masked[1][0], 1);
  EXPECT_EQ(masked[1][1], 0);
  EXPECT_NEAR(masked[1][3], 0.75, 1e-15);
}

TEST(Oracle, SoftmaxBackwardIsTheDerivative) {
  const op::Softmax backward{2, 4, false, true, Dtype::fp32};
  const op::Softmax forward{2, 4, false, false, Dtype::fp32};
  const std::vector<double> x = inputs(forward)[0];
  const std::vector<double> dy = inputs(backward)[1];
  const std::vector<double> y = oracle(forward, {x, {}})[1];
  expect_gradient(
      x, oracle(backward, {y, dy, {}})[2],
      [&](const auto& changed) {
        return inner(oracle(forward, {changed, {}})[1], dy);
      },
      "x");
}

TEST(Oracle, CrossEntropyByHandAndItsDerivative) {
  const Arrays results = oracle(op::CrossEntropy{1, 3, false, Dtype::fp32}, {{0, 0, std::log(2.0)}, {2}, {}, {}});
  EXPECT_NEAR(results[2][0], std::log(2.0), 1e-15);
  EXPECT_NEAR(results[3][0], std::log(4.0), 1e-15);
  const op::CrossEntropy backward{2, 5, true, Dtype::fp32};
  const Arrays operands = inputs(backward);
  expect_gradient(
      operands[0], oracle(backward, operands)[3],
      [&](const auto& logits) {
        const Arrays losses = oracle(op::CrossEntropy{2, 5, false, Dtype::fp32}, {logits, operands[1], {}, {}});
        return losses[2][0] + losses[2][1];
      },
      "logits");
}

TEST(Oracle, ActivationsAndTheirDerivatives) {
  EXPECT_NEAR(oracle(op::Activation{1, 1, shape::Activation::silu, false, false, Dtype::fp32}, {{1}, {}})[1][0],
              1 / (1 + std::exp(-1.0)), 1e-15);
  for (const shape::Activation function : {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
    for (const bool gated : {false, true}) {
      const op::Activation backward{2, 3, function, gated, true, Dtype::fp32};
      op::Activation forward = backward;
      forward.backward = false;
      const Arrays operands = inputs(backward);
      const std::vector<double>& dy = operands[gated ? 2 : 1];
      const Arrays results = oracle(backward, operands);
      for (std::size_t input = 0; input < (gated ? 2u : 1u); ++input)
        expect_gradient(
            operands[input], results[(gated ? 3u : 2u) + input],
            [&](const auto& x) {
              Arrays changed = gated ? Arrays{operands[0], operands[1], {}} : Arrays{operands[0], {}};
              changed[input] = x;
              return inner(oracle(forward, changed).back(), dy);
            },
            "input " + std::to_string(input));
    }
}

TEST(Oracle, RotaryTurnsAndTurnsBack) {
  // Two tokens of one head of five: pairs (0, 2) and (1, 3); the fifth stays.
  const op::Rotary rotary{2, 1, 5, false, Dtype::fp32};
  const Arrays results = oracle(rotary, {{0, 1, 1, 0, 9, 1, 0, 0, 1, 9}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}});
  EXPECT_EQ(results[1], (std::vector<double>{-3, 2, 1, 4, 5, 6, -9, 8, 7, 10}));
  op::Rotary backward = rotary;
  backward.backward = true;
  EXPECT_EQ(oracle(backward, {{0, 1, 1, 0, 9, 1, 0, 0, 1, 9}, results[1]})[1],
            (std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(Oracle, ResidualsDropWhatTheRandomBytesSay) {
  op::Residual residual{8, 16, true, false, Dtype::fp32, true};
  const Arrays operands = inputs(residual);
  const Arrays results = oracle(residual, operands);
  std::size_t dropped = 0;
  for (std::size_t i = 0; i < 128; ++i) {
    const bool kept = dropout_keeps(i);
    dropped += kept ? 0 : 1;
    const double branch = kept ? (operands[1][i] + operands[2][i % 16]) * static_cast<double>(dropout_scale) : 0;
    EXPECT_DOUBLE_EQ(results[3][i], operands[0][i] + branch);
    EXPECT_EQ(results[4][i], kept ? 1 : 0);
  }
  EXPECT_GT(dropped, 2u);
  residual.backward = true;
  const Arrays gradients = oracle(residual, {{2, 3}, {1, 0}, {}});
  EXPECT_EQ(gradients[2], (std::vector<double>{2 * static_cast<double>(dropout_scale), 0}));
}

TEST(Oracle, EmbeddingsLookUpAndAddUp) {
  Arrays operands{{1, 0, 1}, std::vector<double>(embedding_rows * 2), {100, 200, 300, 400, 500, 600}, {}};
  operands[1][0] = 10, operands[1][1] = 20, operands[1][2] = 30, operands[1][3] = 40;
  const Arrays y = oracle(op::Embedding{3, 2, true, false, Dtype::fp32}, operands);
  EXPECT_EQ(y[3], (std::vector<double>{130, 240, 310, 420, 530, 640}));
  const Arrays gradients = oracle(op::Embedding{3, 2, true, true, Dtype::fp32},
                                  {{1, 0, 1}, {1, 2, 3, 4, 5, 6}, operands[1], {0, 0, 0, 0, 0, 1}});
  EXPECT_EQ(gradients[2][0], 13);
  EXPECT_EQ(gradients[2][2], 36);
  EXPECT_EQ(gradients[2][3], 48);
  EXPECT_EQ(gradients[2][4], 0);
  EXPECT_EQ(gradients[3], (std::vector<double>{1, 2, 3, 4, 5, 7}));
}

TEST(Oracle, AdamWByHand) {
  const AdamW adam;
  const Arrays results = oracle(op::Optimizer{1, Dtype::bf16}, {{2}, {1}, {0}, {0}, {}});
  // The first step from rest is the gradient's sign, then decay.
  EXPECT_NEAR(results[1][0], 1 - static_cast<double>(adam.learning_rate) * (1 + static_cast<double>(adam.decay)),
              1e-10);
  EXPECT_NEAR(results[2][0], 0.2, 1e-7);
  EXPECT_NEAR(results[3][0], 0.2, 1e-7);
  EXPECT_EQ(results[4], results[1]);
}

TEST(Oracle, PointwiseFoldsOrRepeats) {
  const auto y = [](op::Function function, double reads, double writes, const std::vector<double>& x) {
    return oracle(op::Pointwise{function, 2, reads, writes}, {x, {}})[1];
  };
  EXPECT_EQ(y(op::Function::add, 8, 4, {1, 2, 3, 4, 5, 6, 7, 8}), (std::vector<double>{16, 20}));
  EXPECT_EQ(y(op::Function::copy, 4, 8, {1, 2}), (std::vector<double>{1, 2, 1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(y(op::Function::scale, 4, 4, {8, 16}), (std::vector<double>{1, 2}));
  EXPECT_NEAR(y(op::Function::soft_cap, 4, 4, {30, 0})[0], 30 * std::tanh(1.0), 1e-14);
  EXPECT_EQ(oracle(op::Pointwise{op::Function::copy, 2, 0, 4}, {{}})[0], (std::vector<double>{0, 0}));
}

TEST(Oracle, CollectivesAreNone) { EXPECT_THROW(oracle(op::Collective{}, {}), Error); }

}  // namespace
}  // namespace gemmetry::measure
