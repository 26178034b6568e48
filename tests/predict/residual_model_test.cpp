#include "gemmetry/predict/residual_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gemmetry/base/error.h"
#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using shape::Dtype;

/// exp(0.1) slower up to k = 2^10, exp(-0.2) from there; errors twice as wide there.
gpu::Residual by_k() {
  gpu::Residual residual;
  residual.features = {"log2_k"};
  residual.dtypes = {Dtype::bf16};
  residual.ranges = {{"log2_k", {6, 13}}};
  residual.trees = {{{0, -1, -1}, {10, 0.1F, -0.2F}}};
  residual.spread = {{{0, -1, -1}, {10, 0, std::log(2.0F)}}};
  residual.errors = {{"product", {0.01, 0.02}}};
  return residual;
}

Predictor with(gpu::Residual residual, const std::string& name = "gemm", gpu::Clocks clocks = gpu::Clocks::burst) {
  gpu::Calibration calibration = test::round_calibration();
  calibration.residuals[name] = std::move(residual);
  return Predictor(test::round_gpu(), test::round_node(), calibration, {clocks, Launch::graph});
}

op::Gemm product(std::int64_t k, Dtype dtype = Dtype::bf16) { return {1, 12800, 12800, k, dtype}; }

double factor(const Predictor& predictor, const op::Operator& op) {
  return predictor.cost(op).time_s / predictor.structured_time(op);
}

TEST(ResidualModel, CorrectsTheStructuredTime) {
  const Predictor predictor = with(by_k());
  EXPECT_NEAR(std::log(factor(predictor, product(1024))), 0.1, 1e-6);
  EXPECT_NEAR(predictor.plan(product(1024)).time_s, predictor.cost(product(1024)).time_s, 1e-12);
  EXPECT_EQ(factor(predictor, op::Norm{64, 64}), 1);  // no residual of its kind
}

TEST(ResidualModel, StatesTheErrorThatIsLeft) {
  const Predictor predictor = with(by_k());
  const op::Cost small = predictor.cost(product(1024));
  EXPECT_DOUBLE_EQ(small.error.shared, 0.01);
  EXPECT_DOUBLE_EQ(small.error.independent, 0.02);
  EXPECT_NEAR(predictor.cost(product(4096)).error.independent, 0.04, 1e-6);
}

TEST(ResidualModel, FadesOutsideWhatItWasFittedTo) {
  const Predictor predictor = with(by_k());
  // One octave below the range: three quarters of it.
  EXPECT_NEAR(std::log(factor(predictor, product(32))), 0.075, 1e-6);
  EXPECT_NEAR(std::log(factor(predictor, product(16))), 0.05, 1e-6);
  EXPECT_NEAR(factor(predictor, product(4)), 1, 1e-9);
  const double structured = 0.03;  // of made_up.h
  EXPECT_GT(predictor.cost(product(1 << 16)).error.shared, structured);
  EXPECT_NE(predictor.reason(product(1 << 16)).find("8 times beyond the sizes that were calibrated"),
            std::string::npos);
  EXPECT_EQ(predictor.reason(product(1024)).find("beyond"), std::string::npos);
}

TEST(ResidualModel, SaysNothingOfOtherDtypes) {
  const Predictor predictor = with(by_k());
  EXPECT_EQ(factor(predictor, product(1024, Dtype::fp8)), 1);
}

TEST(ResidualModel, NeverFasterThanTheTensorCores) {
  gpu::Residual residual = by_k();
  residual.trees = {{{-1}, {-1}}};
  const Predictor predictor = with(residual);
  const op::Gemm gemm = product(8192);
  EXPECT_GE(predictor.cost(gemm).time_s, op::flop(gemm) / 1e15);
}

TEST(ResidualModel, RefusesUnknownNames) {
  gpu::Residual residual = by_k();
  residual.features = {"log2_kk"};
  try {
    with(residual);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "calibration 'round': residual 'gemm' has the unknown feature 'log2_kk'; did you mean 'log2_k'?; train "
        "it again");
  }
  try {
    with(by_k(), "gems");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("residual 'gems' is unknown: use gemm, attention"), std::string::npos);
  }
}

}  // namespace
}  // namespace gemmetry::predict
