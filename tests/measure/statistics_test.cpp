#include "gemmetry/measure/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "gemmetry/measure/random_data.h"

namespace gemmetry::measure {
namespace {

using Samples = std::vector<double>;

/// Normal samples about 1 by the sum of twelve uniform ones.
Samples noisy(std::size_t count, double deviation, std::uint64_t seed) {
  Samples samples;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 12; ++j) sum += random_uniform(seed, 12 * i + j) / 2;
    samples.push_back(1 + deviation * sum);
  }
  return samples;
}

TEST(Statistics, MedianAndQuantilesByHand) {
  EXPECT_DOUBLE_EQ(median(Samples{7}), 7);
  EXPECT_DOUBLE_EQ(median(Samples{3, 1}), 2);
  EXPECT_DOUBLE_EQ(median(Samples{9, 1, 5}), 5);
  const Samples ten{10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
  EXPECT_DOUBLE_EQ(median(ten), 5.5);
  EXPECT_DOUBLE_EQ(quantile(ten, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(ten, 0.1), 1.9);
  EXPECT_DOUBLE_EQ(quantile(ten, 0.9), 9.1);
  EXPECT_DOUBLE_EQ(quantile(ten, 1), 10);
}

TEST(Statistics, GeometricMeanByHand) {
  EXPECT_DOUBLE_EQ(geometric_mean(Samples{2, 8}), 4);
  EXPECT_NEAR(geometric_mean(Samples{1.1, 1 / 1.1}), 1, 1e-15);
}

TEST(Statistics, IntervalOfFiveLiesBetweenTheirRangeAndTheInnerThree) {
  // The range covers 1 - 2/32 = 93.75 %, the inner three 1 - 12/32 = 62.5 %: excess (0.9375 - 0.9) / 0.3125 = 0.12,
  // part 4 * 0.12 / (1 + 3 * 0.12).
  const Interval interval = median_interval(Samples{5, 1, 4, 2, 3});
  const double part = 4 * 0.12 / 1.36;
  EXPECT_NEAR(interval.low, 1 + part, 1e-12);
  EXPECT_NEAR(interval.high, 5 - part, 1e-12);
  EXPECT_NEAR(median_precision(Samples{5, 1, 4, 2, 3}), (4 - 2 * part) / 2 / 3, 1e-12);
}

TEST(Statistics, FewSamplesSayNothing) {
  EXPECT_EQ(median_precision(Samples{1}), 1);
  EXPECT_EQ(median_precision(Samples{1, 1, 1, 1}), 1);
  EXPECT_EQ(median_precision(Samples{1, 1, 1, 1, 1}), 0);
  const Interval range = median_interval(Samples{2, 1});
  EXPECT_EQ(range.low, 1);
  EXPECT_EQ(range.high, 2);
}

TEST(Statistics, PrecisionIsAtMostOne) {
  EXPECT_EQ(median_precision(Samples{0, 0, 0, 0, 0, 9}), 1);
  EXPECT_LE(median_precision(Samples{1e-9, 1e-9, 1e-9, 5, 5, 5}), 1);
}

TEST(Statistics, OneOutlierInManyMovesNothing) {
  Samples samples(20, 1.0);
  samples.push_back(1000);
  EXPECT_EQ(median_precision(samples), 0);
}

class IntervalCoverage : public testing::TestWithParam<std::size_t> {};

TEST_P(IntervalCoverage, IsNinetyPerCent) {
  const std::size_t n = GetParam();
  int covered = 0;
  constexpr int trials = 4000;
  for (int trial = 0; trial < trials; ++trial) {
    const Interval interval = median_interval(noisy(n, 0.01, static_cast<std::uint64_t>(trial) + 1));
    covered += interval.low <= 1 && 1 <= interval.high;
  }
  EXPECT_NEAR(covered / static_cast<double>(trials), 0.9, 0.025);
}

INSTANTIATE_TEST_SUITE_P(Statistics, IntervalCoverage, testing::Values(5, 6, 7, 10, 23, 60, 99, 100, 101, 150));

TEST(Statistics, PrecisionShrinksAsTheRootOfTheNumber) {
  // The median's standard error is 1.2533 deviations over the root of n; its 90 % half-width 1.645 of those.
  for (const std::size_t n : {400, 1600, 6400}) {
    const double expected = 1.645 * 1.2533 * 0.01 / std::sqrt(static_cast<double>(n));
    double mean = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) mean += median_precision(noisy(n, 0.01, seed)) / 20;
    EXPECT_NEAR(mean, expected, 0.15 * expected) << n;
  }
}

TEST(Statistics, ExactAndNormalIntervalsMeet) {
  Samples ramp(100);
  std::iota(ramp.begin(), ramp.end(), 1000.0);
  const double exact = median_precision(ramp);
  ramp.push_back(1100);
  EXPECT_NEAR(median_precision(ramp), exact, 0.02 * exact);
}

}  // namespace
}  // namespace gemmetry::measure
