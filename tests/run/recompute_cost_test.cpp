#include "gemmetry/run/verify/recompute_cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "error_of.h"

namespace gemmetry::run {
namespace {

/// The formula as it is written down, each sum by itself.
double by_definition(double p, std::int64_t window, std::int64_t length) {
  std::vector<double> e{0};
  for (std::int64_t m = 1; m < length; ++m) {
    const std::int64_t w = std::min(window, m);
    double sum = 0;
    for (std::int64_t k = 0; k < w; ++k)
      sum += p * std::pow(1 - p, k) * (static_cast<double>(w - k - 1) + e[static_cast<std::size_t>(m - k - 1)]);
    e.push_back(sum + std::pow(1 - p, w) * e[static_cast<std::size_t>(m - w)]);
  }
  return e.back() / static_cast<double>(length);
}

TEST(RecomputeCost, IsTheRecursion) {
  for (const double p : {0.0, 1e-4, 0.0045, 0.3, 1.0})
    for (const std::int64_t window : {1, 2, 16, 64, 500})
      for (const std::int64_t length : {1, 2, 15, 16, 17, 18, 205})
        EXPECT_NEAR(recompute_cost(p, window, length), by_definition(p, window, length),
                    1e-9 * (1 + by_definition(p, window, length)))
            << p << " " << window << " " << length;
}

TEST(RecomputeCost, IsThePublishedRow) {
  const double expected[] = {3.35, 6.88, 13.99, 26.45, 45.45, 45.45};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(100 * recompute_cost(0.0045, 16 << i, 205), expected[i], 0.006) << (16 << i);
}

TEST(RecomputeCost, IsNearHalfTheWindowTimesTheRate) {
  EXPECT_NEAR(recompute_cost(1e-5, 32, 100'000), 1e-5 * 31 / 2, 1e-7);
}

TEST(RecomputeCost, OfSeveralLengthsIsThatOfAllTheirTokens) {
  const std::vector<std::int64_t> lengths{10, 400};
  EXPECT_NEAR(recompute_cost(0.01, 32, lengths),
              (10 * recompute_cost(0.01, 32, 10) + 400 * recompute_cost(0.01, 32, 400)) / 410, 1e-12);
}

TEST(RecomputeCost, OfOneWindowIsItsSum) {
  double sum = 0;
  for (int k = 0; k < 20; ++k) sum += 0.01 * std::pow(0.99, k) * (20 - k - 1);
  EXPECT_NEAR(rolled_back_of_window(0.01, 20), sum, 1e-12);
  EXPECT_EQ(rolled_back_of_window(0.01, 0), 0);
}

TEST(FlipRateOf, IsTheInverse) {
  const std::vector<std::int64_t> lengths{1, 205, 700};
  for (const double p : {1e-6, 0.0045, 0.2})
    EXPECT_NEAR(*flip_rate_of(recompute_cost(p, 64, lengths), 64, lengths) / p, 1, 1e-6);
  EXPECT_EQ(flip_rate_of(0, 64, lengths), 0);
  EXPECT_EQ(flip_rate_of(0.1, 1, lengths), std::nullopt) << "a window of one throws nothing away";
  EXPECT_EQ(flip_rate_of(1e6, 64, lengths), std::nullopt);
  EXPECT_EQ(flip_rate_of(std::nan(""), 64, lengths), std::nullopt);
}

TEST(FlipRateOf, OfThePublishedHeatmapIsNearlyOneRate) {
  const std::vector<std::int64_t> length{205};
  const double row[] = {0.0344, 0.0681, 0.1242, 0.2492, 0.4641};
  for (int i = 0; i < 5; ++i) {
    const double p = *flip_rate_of(row[i], 16 << i, length);
    EXPECT_GT(p, 0.0038) << i;
    EXPECT_LT(p, 0.0049) << i;
  }
}

TEST(RecomputeCost, SaysWhatIsWrong) {
  EXPECT_NE(error_of([] { recompute_cost(1.5, 16, 205); }).find("flip rate of 1.5"), std::string::npos);
  EXPECT_NE(error_of([] { recompute_cost(std::nan(""), 16, 205); }).find("flip rate"), std::string::npos);
  EXPECT_NE(error_of([] { recompute_cost(0.1, 0, 205); }).find("window of 0"), std::string::npos);
  EXPECT_NE(error_of([] { recompute_cost(0.1, 16, 0); }).find("output of 0"), std::string::npos);
  EXPECT_NE(error_of([] { recompute_cost(0.1, 16, std::vector<std::int64_t>{}); }).find("no request"),
            std::string::npos);
}

}  // namespace
}  // namespace gemmetry::run
