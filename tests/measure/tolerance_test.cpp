#include "gemmetry/measure/tolerance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "gemmetry/measure/verify.h"
#include "measure/oracle_backend.h"

namespace gemmetry::measure {
namespace {

using shape::Dtype;

TEST(Tolerance, ResultsAreRoundedOnce) {
  EXPECT_LE(relative_error(Element::bf16, 1.0, 1 + 0x1p-9, 0), 1);
  EXPECT_GT(relative_error(Element::bf16, 1 + 0x1p-7, 1 + 0x1p-9, 0), 1);
  EXPECT_EQ(relative_error(Element::fp32, 1.0, 1.0, 0), 0);
}

TEST(Tolerance, NaNNeverPasses) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Element element : {Element::fp32, Element::bf16, Element::fp16, Element::fp8}) {
    EXPECT_GT(relative_error(element, nan, 1, 1e30), 1);
    EXPECT_GT(relative_error(element, nan, nan, 1), 1);
    EXPECT_GT(relative_error(element, 1, nan, 1), 1);
    EXPECT_GT(relative_error(element, infinity, 1, 1e30), 1);
    EXPECT_GT(relative_error(element, 1, 1.5, nan), 1);
  }
  EXPECT_EQ(relative_error(Element::fp16, infinity, 1e6, 1), 0) << "what fp16 makes of a million";
  EXPECT_EQ(relative_error(Element::fp32, -infinity, -infinity, nan), 0) << "the sum over no key";
}

TEST(Tolerance, WholeNumbersAreExact) {
  EXPECT_EQ(relative_error(Element::byte, 1, 1, 0), 0);
  EXPECT_GT(relative_error(Element::byte, 0, 1, 0), 1);
}

TEST(Tolerance, FollowsTheNormNotTheSum) {
  Sum cancelling;
  for (int i = 0; i < 1000; ++i) cancelling.add(i % 2 ? 1 : -1);
  EXPECT_EQ(cancelling.value, 0);
  EXPECT_GT(sum_error(cancelling), 1e-5);
  EXPECT_LT(sum_error(cancelling), 1e-3);
  EXPECT_GT(product_error(cancelling, Dtype::tf32), product_error(cancelling, Dtype::fp32));
  EXPECT_GT(product_error(cancelling, Dtype::fp8), product_error(cancelling, Dtype::bf16));
  EXPECT_GT(product_error(cancelling, Dtype::bf16, 4), product_error(cancelling, Dtype::bf16, 1));
}

/// Whether a device that computes so is found out.
void expect_caught(const op::Operator& op, const std::string& what,
                   const std::function<Arrays(const op::Operator&, Arrays)>& compute) {
  OracleBackend backend;
  const Verdict right = verify(backend, op, nullptr, 7);
  EXPECT_TRUE(right.right) << right.message;
  backend.compute = compute;
  const Verdict wrong = verify(backend, op, nullptr, 7);
  EXPECT_EQ(wrong.code, StatusCode::ok);
  EXPECT_FALSE(wrong.right) << what << " passed with " << wrong.error;
  EXPECT_FALSE(wrong.message.empty());
}

class EveryDtype : public testing::TestWithParam<Dtype> {};

INSTANTIATE_TEST_SUITE_P(Dtypes, EveryDtype,
                         testing::Values(Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32),
                         [](const auto& tested) { return std::string(shape::name(tested.param)); });

TEST_P(EveryDtype, CatchesAMissingLastProduct) {
  for (const std::int64_t k : {1, 7, 64, 1000, 4096}) {
    const op::Gemm gemm{1, 19, 23, k, GetParam(), op::Layout::nt};
    expect_caught(gemm, "k = " + std::to_string(k), [&](const op::Operator& op, Arrays operands) {
      for (std::int64_t row = 0; row < 19; ++row) operands[0][static_cast<std::size_t>(row * k + k - 1)] = 0;
      return oracle(op, operands);
    });
  }
}

TEST_P(EveryDtype, CatchesOneWrongElement) {
  const op::Gemm gemm{2, 17, 31, 128, GetParam(), op::Layout::nn};
  expect_caught(gemm, "an element of its neighbour", [](const op::Operator& op, const Arrays& operands) {
    Arrays results = oracle(op, operands);
    results[2].back() = results[2][results[2].size() - 2];
    return results;
  });
}

TEST_P(EveryDtype, CatchesAnElementThatWasNotWritten) {
  const op::Gemm gemm{1, 5, 9, 16, GetParam(), op::Layout::nn};
  expect_caught(gemm, "poison", [](const op::Operator& op, const Arrays& operands) {
    Arrays results = oracle(op, operands);
    results[2].pop_back();
    return results;
  });
}

TEST_P(EveryDtype, CatchesSwappedRows) {
  const op::Gemm gemm{1, 16, 24, 512, GetParam(), op::Layout::tn};
  expect_caught(gemm, "rows 3 and 4", [](const op::Operator& op, const Arrays& operands) {
    Arrays results = oracle(op, operands);
    std::swap_ranges(results[2].begin() + 3 * 24, results[2].begin() + 4 * 24, results[2].begin() + 4 * 24);
    return results;
  });
}

TEST_P(EveryDtype, CatchesAnOmittedBias) {
  for (const op::Epilogue epilogue : {op::Epilogue::bias, op::Epilogue::bias_gelu}) {
    const op::Gemm gemm{1, 16, 24, 512, GetParam(), op::Layout::nt, epilogue};
    expect_caught(gemm, "bias", [](const op::Operator& op, Arrays operands) {
      std::fill(operands[2].begin(), operands[2].end(), 0.0);
      return oracle(op, operands);
    });
  }
}

TEST_P(EveryDtype, CatchesARowThatTheBiasGradientMisses) {
  const op::Gemm gemm{1, 16, 24, 512, GetParam(), op::Layout::tn, op::Epilogue::bias_gradient};
  expect_caught(gemm, "bias gradient", [](const op::Operator& op, Arrays operands) {
    Arrays results = oracle(op, operands);
    for (std::size_t i = 0; i < 16; ++i) results[3][i] -= operands[0][511 * 16 + i];
    return results;
  });
}

TEST_P(EveryDtype, CatchesAnExpertsWrongWeights) {
  const op::GroupedGemm gemm{3, 20, 8, 64, GetParam(), op::Layout::nt};
  expect_caught(gemm, "a row of its neighbour's", [](const op::Operator& op, Arrays operands) {
    const Arrays right = oracle(op, operands);
    std::rotate(operands[1].begin(), operands[1].begin() + 8 * 64, operands[1].end());
    Arrays results = oracle(op, operands);
    std::copy(right[2].begin(), right[2].begin() + 6 * 8, results[2].begin());  // only one row of the first expert's
    return results;
  });
}

TEST(Tolerance, CatchesMasksThatAreOffByOne) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::fp32})
    for (const bool backward : {false, true}) {
      const op::Attention a{.queries = 130,
                            .keys = 130,
                            .heads = 2,
                            .kv_heads = 1,
                            .head_dim = 64,
                            .value_dim = 64,
                            .window = 100,
                            .backward = backward,
                            .dtype = dtype};
      expect_caught(a, "a wider window", [](const op::Operator& op, const Arrays& operands) {
        op::Attention wider = std::get<op::Attention>(op);
        wider.window += 1;
        return oracle(wider, operands);
      });
    }
}

TEST(Tolerance, CatchesTheDiagonalLeftOut) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16}) {
    const op::Attention a{.queries = 64, .keys = 200, .head_dim = 64, .value_dim = 32, .dtype = dtype};
    expect_caught(a, "every query sees one key less", [](const op::Operator& op, Arrays operands) {
      op::Attention shorter = std::get<op::Attention>(op);
      shorter.keys -= 1;
      operands[1].resize(199 * 64);
      operands[2].resize(199 * 32);
      return oracle(shorter, operands);
    });
  }
}

TEST_P(EveryDtype, CatchesASoftmaxMaskOffByOne) {
  const op::Softmax softmax{66, 33, true, false, GetParam()};
  expect_caught(softmax, "mask", [](const op::Operator& op, Arrays operands) {
    const Arrays right = oracle(op, operands);
    Arrays results = right;
    for (std::size_t row = 1; row < 66; ++row) std::copy_n(&right[1][(row - 1) * 33], 33, &results[1][row * 33]);
    return results;
  });
}

TEST_P(EveryDtype, CatchesNormsThatMissTheLastColumn) {
  for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
    for (const bool backward : {false, true}) {
      const op::Norm norm{9, 2049, kind, backward, GetParam()};
      expect_caught(norm, backward ? "backward" : "forward", [](const op::Operator& op, Arrays operands) {
        for (std::size_t row = 0; row < 9; ++row) operands[0][row * 2049 + 2048] = 0;
        return oracle(op, operands);
      });
    }
}

TEST_P(EveryDtype, CatchesAWeightGradientWithoutItsLastRow) {
  const op::Norm norm{64, 48, shape::NormKind::rms_norm, true, GetParam()};
  expect_caught(norm, "rows", [](const op::Operator& op, Arrays operands) {
    std::fill(operands[2].end() - 48, operands[2].end(), 0.0);
    const Arrays right = oracle(op, operands);
    return right;
  });
}

TEST_P(EveryDtype, CatchesALossOfTheWrongTarget) {
  for (const bool backward : {false, true}) {
    const op::CrossEntropy loss{12, 513, backward, GetParam()};
    expect_caught(loss, "target", [](const op::Operator& op, Arrays operands) {
      operands[1][11] = operands[1][11] == 0 ? 1 : operands[1][11] - 1;
      return oracle(op, operands);
    });
  }
}

TEST_P(EveryDtype, CatchesTokensThatAreNotAddedUp) {
  const op::Embedding embedding{9, 16, true, true, GetParam()};
  expect_caught(embedding, "last token", [](const op::Operator& op, Arrays operands) {
    std::fill(operands[1].end() - 16, operands[1].end(), 0.0);
    return oracle(op, operands);
  });
}

TEST_P(EveryDtype, CatchesAnOptimizerWithoutDecay) {
  const op::Optimizer optimizer{1001, GetParam()};
  expect_caught(optimizer, "decay", [](const op::Operator& op, Arrays operands) {
    Arrays results = oracle(op, operands);
    for (std::size_t i = 0; i < results[1].size(); ++i) results[1][i] += 1e-4 * operands[1][i];
    return results;
  });
}

}  // namespace
}  // namespace gemmetry::measure
