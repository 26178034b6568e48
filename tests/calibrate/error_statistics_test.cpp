#include "gemmetry/calibrate/error_statistics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace gemmetry::calibrate {
namespace {

TEST(ErrorStatistics, AreWhatTheyAreByHand) {
  // Errors 10 % slow, 20 % fast, right, 50 % slow; half of the intervals hold the time.
  const op::Uncertainty narrow{0, 0.1 / op::normal_90};
  const op::Uncertainty wide{0.06 / op::normal_90, 0.08 / op::normal_90};  // together 0.1
  const std::array<Prediction, 4> predictions{{{1.1, 1, narrow}, {0.8, 1, wide}, {2, 2, narrow}, {1.5, 1, wide}}};
  const ErrorStatistics statistics = statistics_of(predictions);
  EXPECT_EQ(statistics.count, 4u);
  EXPECT_NEAR(statistics.mape, 0.2, 1e-12);
  EXPECT_NEAR(statistics.median, 0.15, 1e-12);
  EXPECT_NEAR(statistics.p95, 0.455, 1e-12);
  EXPECT_NEAR(statistics.bias, std::sqrt(1.1) - 1, 1e-12);
  EXPECT_NEAR(statistics.coverage, 0.5, 1e-12);  // log 1.1 is under 0.1
  EXPECT_NEAR(statistics.half_width, std::sinh(0.1), 1e-12);
}

TEST(ErrorStatistics, OfNothingAreZero) { EXPECT_EQ(statistics_of({}).count, 0u); }

TEST(ErrorStatistics, RobustSpreadIgnoresWildValues) {
  const std::array values{1.0, 2.0, 3.0, 4.0, 1e9};
  const RobustSpread spread = robust_spread(values);
  EXPECT_EQ(spread.centre, 3);
  EXPECT_NEAR(spread.deviation, 1.4826, 1e-12);
}

}  // namespace
}  // namespace gemmetry::calibrate
