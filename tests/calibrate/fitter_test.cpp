#include "gemmetry/calibrate/fitter.h"

#include <gtest/gtest.h>

#include "calibrate/made_up.h"
#include "gemmetry/base/error.h"

namespace gemmetry::calibrate {
namespace {

GroupFit fit(gpu::Calibration& calibration, const std::vector<Sample>& samples, Group group, FitOptions options) {
  const gpu::Gpu gpu = gpu::load_gpu("h100");
  Fitter fitter(gpu, gpu::usual_node(gpu), calibration, samples, std::move(options));
  const GroupFit result = fitter.fit(group);
  calibration = fitter.calibration();
  return result;
}

/// Times of a GPU whose coefficients are known, from coefficients that are far off.
TEST(Fitter, FindsWhatMadeTheTimes) {
  gpu::Calibration truth = structured("h100");
  truth.gemm.tensor_efficiency = 0.7;
  truth.gemm.memory_efficiency = 0.6;
  truth.gemm.wave_s *= 2;
  const std::vector<Sample> samples = as_measured("h100", truth, [](std::size_t) { return 1; });
  gpu::Calibration calibration = structured("h100");
  const GroupFit result = fit(calibration, samples, Group::gemm, {.starts = 2, .threads = 2});
  EXPECT_EQ(result.samples, samples.size());
  EXPECT_GT(result.before, 0.08);
  EXPECT_LT(result.after, 0.01);
  EXPECT_NEAR(calibration.gemm.tensor_efficiency, 0.7, 0.05);
  EXPECT_NEAR(calibration.gemm.memory_efficiency, 0.6, 0.03);
  EXPECT_EQ(calibration.pointwise.streaming, structured("h100").pointwise.streaming);
}

TEST(Fitter, FindsTheEfficiencyOfAnAlignment) {
  gpu::Calibration truth = structured("h100");
  truth.alignment = {{2, {{1, 0.2}, {2, 0.5}}}};
  const gpu::Gpu gpu = gpu::load_gpu("h100");
  const predict::Predictor predictor(gpu, gpu::usual_node(gpu), truth, in_burst);
  std::vector<Sample> samples;
  for (const op::Gemm& aligned : products())
    for (const std::int64_t more : {1, 2}) {
      op::Gemm gemm = aligned;
      gemm.n += more;
      samples.push_back(sample(gemm, predictor.structured_time(gemm)));
    }
  gpu::Calibration calibration = structured("h100");
  const GroupFit result = fit(calibration, samples, Group::misaligned_gemm, {.starts = 1});
  EXPECT_GT(result.before, 0.05);
  EXPECT_LT(result.after, 0.02);
  EXPECT_NEAR(calibration.alignment.at(2).at(2) / calibration.alignment.at(2).at(1), 2.5, 0.3);
}

TEST(Fitter, IsNotLedByAFewWildTimes) {
  gpu::Calibration truth = structured("h100");
  truth.gemm.memory_efficiency = 0.6;
  const std::vector<Sample> samples = as_measured("h100", truth, [](std::size_t i) { return i % 25 == 7 ? 8.0 : 1.0; });
  gpu::Calibration calibration = structured("h100");
  fit(calibration, samples, Group::gemm, {.starts = 1});
  EXPECT_NEAR(calibration.gemm.memory_efficiency, 0.6, 0.04);
}

TEST(Fitter, DoesTheSameForTheSameSeedOnAnyNumberOfThreads) {
  const std::vector<Sample> samples = as_measured("h100", structured("a100-80gb-sxm"), [](std::size_t) { return 1; });
  gpu::Calibration one = structured("h100");
  gpu::Calibration two = one;
  fit(one, samples, Group::gemm, {.starts = 2, .seed = 7, .threads = 1});
  fit(two, samples, Group::gemm, {.starts = 2, .seed = 7, .threads = 3});
  for (const auto& field : gpu::GemmCoefficients::fields())
    EXPECT_EQ(one.gemm.*field.member, two.gemm.*field.member) << field.name;
}

TEST(Fitter, StaysInTheRangesAndNeverGetsWorse) {
  gpu::Calibration calibration = structured("h100");
  const std::vector<Sample> samples = as_measured("h100", calibration, [](std::size_t) { return 50; });
  const GroupFit result = fit(calibration, samples, Group::gemm, {.starts = 2});
  EXPECT_LE(result.after, result.before);
  for (const Parameter& parameter : result.parameters) {
    EXPECT_GE(parameter.get(calibration), parameter.range.low) << parameter.name;
    EXPECT_LE(parameter.get(calibration), parameter.range.high) << parameter.name;
  }
}

TEST(Fitter, LeavesOutWhatIsHeldOut) {
  std::vector<Sample> samples = as_measured("h100", structured("h100"), [](std::size_t) { return 1; });
  for (Sample& one : samples) one.held_out = true;
  gpu::Calibration calibration = structured("h100");
  EXPECT_THROW(fit(calibration, samples, Group::gemm, {}), Error);
}

/// With few samples and a prior, coefficients stay near where they were.
TEST(Fitter, APriorHoldsWhatFewSamplesDoNotTell) {
  gpu::Calibration truth = structured("h100");
  truth.gemm.memory_efficiency = 0.6;
  std::vector<Sample> samples = as_measured("h100", truth, [](std::size_t) { return 1; });
  samples.resize(5);
  gpu::Calibration calibration = structured("h100");
  const gpu::Calibration before = calibration;
  fit(calibration, samples, Group::gemm, {.starts = 1, .prior = 0.3});
  EXPECT_NEAR(calibration.gemm.wave_s / before.gemm.wave_s, 1, 0.3);
  EXPECT_NEAR(calibration.gemm.resident_b / before.gemm.resident_b, 1, 0.5);
}

/// What was learned makes all products a fifth slower; coefficients are fitted to what is left.
TEST(Fitter, KeepsWhatWasLearnedAndFitsTheRest) {
  gpu::Calibration start = structured("h100");
  start.residuals["gemm"] = {.features = {"log2_m"},
                             .dtypes = {shape::Dtype::bf16},
                             .ranges = {{"log2_m", {0, 20}}},
                             .trees = {{{-1}, {0.2F}}},
                             .errors = {{"product", {0.01, 0.02}}}};
  gpu::Calibration truth = start;
  truth.gemm.memory_efficiency = 0.6;
  const gpu::Gpu gpu = gpu::load_gpu("h100");
  const predict::Predictor predictor(gpu, gpu::usual_node(gpu), truth, in_burst);
  std::vector<Sample> samples;
  for (const op::Gemm& gemm : products()) samples.push_back(sample(gemm, predictor.cost(gemm).time_s));
  gpu::Calibration kept = start;
  const GroupFit result = fit(kept, samples, Group::gemm, {.starts = 1, .prior = 0.3, .keep_residuals = true});
  EXPECT_LT(result.after, 0.01);
  EXPECT_NEAR(kept.gemm.memory_efficiency, 0.6, 0.03);
  EXPECT_TRUE(kept.residuals.contains("gemm"));
  gpu::Calibration dropped = start;
  fit(dropped, samples, Group::gemm, {.starts = 1});
  EXPECT_TRUE(dropped.residuals.empty());
  gpu::Calibration other = start;
  for (Sample& one : samples) one.how.clocks = gpu::Clocks::sustained;
  fit(other, samples, Group::power, {.starts = 1});
  EXPECT_TRUE(other.residuals.contains("gemm"));
}

/// Times at the power limit, with and without the burst of the same product.
TEST(Fitter, PowerIsFittedToHowMuchSlowerItIs) {
  gpu::Calibration truth = structured("h100");
  truth.power = gpu::PowerCoefficients{.idle_w = 100, .busy_w = 80, .tensor_w = 800, .memory_w = 200};
  const gpu::Gpu gpu = gpu::load_gpu("h100");
  const predict::Predictor::Options sustained{gpu::Clocks::sustained, predict::Launch::graph};
  const predict::Predictor predictor(gpu, gpu::usual_node(gpu), truth, sustained);
  std::vector<Sample> samples;
  for (const op::Gemm& gemm : products()) {
    // Measured a tenth slower than predicted in both: that is no matter of power.
    samples.push_back(sample(gemm, 1.1 * predictor.structured_time(gemm)));
    samples.push_back(sample(gemm, 1.1 * predictor.cost(gemm).time_s));
    samples.back().how = sustained;
  }
  gpu::Calibration calibration = structured("h100");
  calibration.power.reset();
  const GroupFit result = fit(calibration, samples, Group::power, {.starts = 3});
  EXPECT_EQ(result.samples, products().size());
  EXPECT_LT(result.after, 0.01);
  ASSERT_TRUE(calibration.power);
}

}  // namespace
}  // namespace gemmetry::calibrate
