#include "gemmetry/study/outcome.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "gemmetry/measure/measured_model.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::study {
namespace {

/// A TFLOP/s, known to 10 %; tells how often it was asked. It cannot run fp8, and k = 3 makes it fail as it is told.
class Costs final : public op::CostModel {
 public:
  op::Cost cost(const op::Operator& op) const override {
    ++asked;
    const auto& gemm = std::get<op::Gemm>(op);
    if (gemm.dtype == op::Dtype::fp8) throw Error("the made-up GPU cannot multiply fp8");
    if (gemm.k == 3 && fail) fail();
    op::Cost cost;
    cost.flop = op::flop(op);
    cost.bytes = op::bytes(op);
    cost.time_s = cost.flop / 1e12 * slower;
    cost.error = {.shared = 0, .independent = 0.1};
    return cost;
  }
  std::string reason(const op::Operator&) const override {
    ++explained;
    return "a TFLOP/s";
  }
  std::string source() const override { return "made up"; }

  double slower = 1;
  std::function<void()> fail;
  mutable std::atomic<int> asked = 0;
  mutable std::atomic<int> explained = 0;
};

op::Gemm product(std::int64_t k, op::Dtype dtype = op::Dtype::bf16) {
  op::Gemm gemm{1, 1000, 1000, k};
  gemm.dtype = dtype;
  return gemm;
}

Point point_of(std::vector<CountedOperator> work, std::size_t series = 0) {
  Point point;
  point.series = series;
  point.work = std::move(work);
  return point;
}

Study study_of(std::size_t series) {
  Study study;
  study.name = "made_up";
  study.series.resize(series);
  return study;
}

std::vector<Outcome> outcomes(const Costs& costs, const std::vector<Point>& points) {
  return outcomes_of(study_of(1), points, [&](const SeriesSetting&) { return &costs; }, {});
}

TEST(Outcome, OfOneOperatorSaysHow) {
  const Outcome outcome = outcomes(Costs(), {point_of({{product(500)}})}).front();
  EXPECT_NEAR(outcome.time_s.value(), 1e-3, 1e-12);
  EXPECT_NEAR(outcome.time_high_s / 1e-3, std::exp(0.1 * op::normal_90), 1e-9);
  EXPECT_NEAR(outcome.time_low_s / 1e-3, std::exp(-0.1 * op::normal_90), 1e-9);
  EXPECT_EQ(outcome.flop, 1e9);
  EXPECT_EQ(outcome.bytes, op::bytes(op::Operator(product(500))));
  EXPECT_EQ(outcome.how, "a TFLOP/s");
}

TEST(Outcome, OfSeveralOperatorsAddsUp) {
  const Outcome outcome = outcomes(Costs(), {point_of({{product(500), 3}, {product(1000), 1}})}).front();
  EXPECT_NEAR(outcome.time_s.value(), 5e-3, 1e-12);
  EXPECT_EQ(outcome.flop, 5e9);
  EXPECT_EQ(outcome.how, "");
  const double width = std::log(outcome.time_high_s / *outcome.time_s);
  EXPECT_NEAR(width, op::normal_90 * 0.1 * std::hypot(0.6, 0.4), 1e-9) << "independent errors partly cancel";
}

TEST(Outcome, PricesEachOperatorOnce) {
  const Costs costs;
  std::vector<Point> points;
  for (int i = 0; i < 1000; ++i) points.push_back(point_of({{product(1 + i % 7), 2}}));
  points.push_back(point_of({{product(1)}, {product(100)}}));
  EXPECT_EQ(outcomes(costs, points).size(), 1001u);
  EXPECT_EQ(costs.asked, 8);
  EXPECT_EQ(costs.explained, 7) << "the one of 100 never stands alone";
}

TEST(Outcome, IsMissingWhereAnOperatorCannotRun) {
  const std::vector<Outcome> all = outcomes(
      Costs(), {point_of({{product(500)}, {product(500, op::Dtype::fp8)}}), point_of({{product(500)}}), point_of({})});
  EXPECT_FALSE(all[0].time_s);
  EXPECT_EQ(all[0].how, "the made-up GPU cannot multiply fp8");
  EXPECT_FALSE(all[0].y(Quantity::tflops, 1));
  EXPECT_TRUE(all[1].time_s);
  EXPECT_FALSE(all[2].time_s);
  EXPECT_EQ(all[2].how, "nothing runs here");
}

TEST(Outcome, IsMissingWithoutAMeasurementButALostDeviceIsAnError) {
  Costs costs;
  costs.fail = [] { throw measure::NoMeasurement("not recorded"); };
  const std::vector<Point> points{point_of({{product(3)}}), point_of({{product(4)}})};
  EXPECT_EQ(outcomes(costs, points)[0].how, "not recorded");
  EXPECT_TRUE(outcomes(costs, points)[1].time_s);
  costs.fail = [] { throw measure::DeviceLost("the device was lost"); };
  EXPECT_THROW(outcomes(costs, points), measure::DeviceLost);
  costs.fail = [] { throw std::bad_alloc(); };
  EXPECT_THROW(outcomes(costs, points), std::bad_alloc);
}

TEST(Outcome, OfASeriesIsAtItsOwnSetting) {
  Study study = study_of(4);
  study.series[1].clocks = gpu::Clocks::sustained;
  study.series[2].policy = measure::Policy::tuned;
  study.series[3].clocks = gpu::Clocks::burst;
  const SeriesSetting asked{gpu::Clocks::burst, measure::Policy::first};
  EXPECT_EQ(setting_of(study.series[0], asked), asked);
  EXPECT_EQ(setting_of(study.series[1], asked), (SeriesSetting{gpu::Clocks::sustained, measure::Policy::first}));

  Costs burst, sustained;
  sustained.slower = 2;
  std::vector<SeriesSetting> wanted;
  const auto source = [&](const SeriesSetting& setting) -> const op::CostModel* {
    wanted.push_back(setting);
    if (setting.policy == measure::Policy::tuned) return nullptr;
    return setting.clocks == gpu::Clocks::burst ? &burst : &sustained;
  };
  std::vector<Point> points;
  for (std::size_t series = 0; series < 4; ++series) points.push_back(point_of({{product(500)}}, series));
  const std::vector<Outcome> all = outcomes_of(study, points, source, asked);
  EXPECT_EQ(wanted.size(), 3u) << "each setting is asked for once";
  EXPECT_NEAR(all[0].time_s.value(), 1e-3, 1e-12);
  EXPECT_NEAR(all[1].time_s.value(), 2e-3, 1e-12);
  EXPECT_FALSE(all[2].time_s);
  EXPECT_EQ(all[2].how, "no costs at burst clocks with the tuned algorithm");
  EXPECT_EQ(all[3].time_s, all[0].time_s);
  EXPECT_EQ(burst.asked, 1) << "series of one setting share prices";
}

TEST(Outcome, IsInTheUnitOfTheChart) {
  const Outcome outcome{.time_s = 2e-3, .flop = 4e9, .bytes = 6e6, .how = ""};
  EXPECT_NEAR(outcome.y(Quantity::tflops, 0).value(), 2, 1e-12);
  EXPECT_NEAR(outcome.y(Quantity::time, 0).value(), 2e-3, 1e-12);
  EXPECT_NEAR(outcome.y(Quantity::bandwidth, 0).value(), 3e9, 1e-3);
  EXPECT_NEAR(outcome.y(Quantity::time_per_token, 4).value(), 5e-4, 1e-12);
  EXPECT_FALSE(outcome.y(Quantity::time_per_token, 0)) << "operators have no tokens";
  EXPECT_FALSE((Outcome{.time_s = 1, .bytes = 1, .how = ""}).y(Quantity::tflops, 0)) << "nothing is multiplied";
}

TEST(Outcome, OfASeriesIsLaunchedAsItSays) {
  Study study = study_of(2);
  study.series[1].launch = measure::Replay::stream;
  EXPECT_EQ(setting_of(study.series[0], {}).launch, measure::Replay::graph);
  EXPECT_EQ(setting_of(study.series[1], {}).launch, measure::Replay::stream);
  EXPECT_NE(setting_of(study.series[0], {}), setting_of(study.series[1], {}));
}

TEST(Outcome, OfASlowDownIsTheRatioToItsBaseline) {
  Costs costs;
  Point point = point_of({{product(128), 2}, {product(64), 1}});
  point.baseline = {{product(128), 2}};
  const Outcome outcome = outcomes(costs, {point}).front();
  ASSERT_TRUE(outcome.slowdown);
  EXPECT_DOUBLE_EQ(outcome.slowdown->value, 1.25);
  EXPECT_DOUBLE_EQ(outcome.y(Quantity::slowdown, 0).value(), 1.25);
  // What both run is known to cancel: the ratio is surer than either time.
  EXPECT_LT(outcome.slowdown->high / outcome.slowdown->value, outcome.time_high_s / *outcome.time_s);
  point.work = point.baseline;
  EXPECT_DOUBLE_EQ(outcomes(costs, {point}).front().slowdown->high, 1);
  point.baseline = {{product(128, op::Dtype::fp8), 1}};
  const Outcome missing = outcomes(costs, {point}).front();
  EXPECT_FALSE(missing.time_s);
  EXPECT_EQ(missing.how, "the made-up GPU cannot multiply fp8");
  EXPECT_FALSE(outcomes(costs, {point_of({{product(128), 1}})}).front().y(Quantity::slowdown, 0));
}

TEST(Outcome, OfThePredictorIsThePredictors) {
  const auto predictor = predict::Predictor::for_gpu("a100-80gb-sxm", {});
  const std::vector<Point> points{point_of({{product(512)}}), point_of({{product(512, op::Dtype::fp8)}})};
  const std::vector<Outcome> all =
      outcomes_of(study_of(1), points, [&](const SeriesSetting&) { return &predictor; }, {});
  EXPECT_DOUBLE_EQ(all[0].time_s.value(), predictor.cost(product(512)).time_s);
  EXPECT_EQ(all[0].how, predictor.reason(product(512)));
  EXPECT_FALSE(all[1].time_s);
  EXPECT_NE(all[1].how.find("cannot multiply fp8"), std::string::npos) << all[1].how;
}

}  // namespace
}  // namespace gemmetry::study
