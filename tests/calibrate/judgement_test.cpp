#include "gemmetry/calibrate/judgement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "calibrate/made_up.h"
#include "gemmetry/calibrate/log_error_fit.h"
#include "gemmetry/calibrate/tile_agreement.h"

namespace gemmetry::calibrate {
namespace {

/// An H200 with its shipped structured coefficients, and products as if measured on it.
class JudgementTest : public testing::Test {
 protected:
  template <class Factor>
  std::vector<Judgement> judged(Factor factor) {
    const std::vector<Sample> samples = as_measured("h200", calibration_, factor);
    return judge(samples, predictors_);
  }

  gpu::Gpu gpu_ = gpu::load_gpu("h200");
  gpu::Node node_ = gpu::usual_node(gpu_);
  gpu::Calibration calibration_ = structured("h200");
  Predictors predictors_{gpu_, node_, calibration_};
};

TEST_F(JudgementTest, StatisticsAreOfThePredictions) {
  const ErrorStatistics errors = statistics_of(judged([](std::size_t i) { return i % 2 == 0 ? 1.25 : 1.0; }));
  EXPECT_EQ(errors.count, products().size());
  EXPECT_NEAR(errors.mape, 0.1, 1e-6);
}

TEST_F(JudgementTest, PairsAreNeighboursOfOneClass) {
  const std::vector<Judgement> judgements = judged([](std::size_t) { return 1; });
  const std::vector<Pair> pairs = neighbour_pairs(judgements, 300, 1);
  EXPECT_EQ(pairs.size(), 300u);
  for (const auto& [a, b] : pairs) {
    EXPECT_NE(a, b);
    EXPECT_EQ(judgements[a].sample.shape_class, judgements[b].sample.shape_class);
    EXPECT_LE(octaves_between(judgements[a].sample.op, judgements[b].sample.op), 1);
  }
  EXPECT_EQ(neighbour_pairs(judgements, 300, 1), pairs);
  EXPECT_NE(neighbour_pairs(judgements, 300, 2), pairs);
  EXPECT_TRUE(neighbour_pairs({}, 300, 1).empty());
  EXPECT_EQ(ratio_coverage(judgements, pairs, predictors_), 1);
}

TEST_F(JudgementTest, AnAnomalyStandsAmongWellPredictedNeighbours) {
  std::mt19937 random(3);
  std::normal_distribution<double> noise(0, 0.02);
  const std::size_t odd = 123;
  const auto judgements = judged([&](std::size_t i) { return std::exp(noise(random)) * (i == odd ? 1.5 : 1.0); });
  const std::vector<Anomaly> found = anomalies(judgements);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().index, odd);
  EXPECT_LT(found.front().deviations, -4);
  EXPECT_LT(found.front().neighbours, 0.05);
  EXPECT_LE(found.size(), 3u);
}

/// Where a whole corner of sizes is off, the model is wrong and the library is not.
TEST_F(JudgementTest, ACornerThatIsOffIsNoAnomaly) {
  const std::vector<op::Gemm> all = products();
  const auto judgements = judged([&](std::size_t i) { return all[i].k >= 4096 && all[i].m >= 1024 ? 1.3 : 1.0; });
  EXPECT_TRUE(anomalies(judgements).empty());
}

TEST_F(JudgementTest, ErrorsAreSplitByHowNeighboursDiffer) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 0.05);
  const auto own = log_errors_of(judged([&](std::size_t) { return std::exp(noise(random)); }), 1);
  EXPECT_NEAR(own.at("product").independent, 0.05, 0.012);
  EXPECT_LT(own.at("product").shared, 0.025);
  const auto shared = log_errors_of(judged([&](std::size_t) { return 1.1; }), 1);
  EXPECT_NEAR(shared.at("product").shared, std::log(1.1) / op::normal_90, 0.005);
  EXPECT_LE(shared.at("product").independent, 0.0051);
  EXPECT_FALSE(own.contains("attention"));
}

TEST_F(JudgementTest, TilesAreTheLibrarysInRowMajorOrder) {
  std::vector<Judgement> judgements = judged([](std::size_t) { return 1; });
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    const predict::GemmPlan plan = predictors_.of(in_burst).plan(std::get<op::Gemm>(judgements[i].sample.op));
    measure::AlgorithmInfo& library = judgements[i].sample.algorithm;
    library.tile_m = static_cast<std::int32_t>(plan.swapped ? plan.tile_m : plan.tile_n);
    library.tile_n = static_cast<std::int32_t>(plan.swapped ? plan.tile_n : plan.tile_m);
    library.split_k = static_cast<std::int32_t>(plan.split_k);
  }
  for (const TileAgreement& one : tile_agreement(judgements, predictors_)) {
    EXPECT_EQ(one.tile, 1) << text_of(one.shape_class);
    EXPECT_EQ(one.split_k, 1);
    EXPECT_EQ(one.turned, 0);
  }
  for (Judgement& one : judgements) one.sample.algorithm.tile_m = 8192;
  for (const TileAgreement& one : tile_agreement(judgements, predictors_)) EXPECT_EQ(one.tile, 0);
  for (Judgement& one : judgements) one.sample.algorithm = {};
  EXPECT_TRUE(tile_agreement(judgements, predictors_).empty());
}

}  // namespace
}  // namespace gemmetry::calibrate
