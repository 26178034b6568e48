#include "gemmetry/calibrate/least_squares.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

namespace gemmetry::calibrate {
namespace {

TEST(LeastSquares, FindsTheBottomOfACurvedValley) {
  const ResidualFunction rosenbrock = [](std::span<const double> x, std::span<double> r) {
    r[0] = 10 * (x[1] - x[0] * x[0]);
    r[1] = 1 - x[0];
  };
  const std::array<Range, 2> ranges{{{-3, 3}, {-3, 3}}};
  const LeastSquares found = least_squares(rosenbrock, 2, ranges, std::array{-1.2, 1.0}, {.most_steps = 200});
  EXPECT_NEAR(found.x[0], 1, 1e-2);
  EXPECT_NEAR(found.x[1], 1, 2e-2);
  EXPECT_LT(found.sum, 1e-4);
}

/// y = a exp(-b t) of a = 3e-6 and b = 40, whose scales are far apart.
TEST(LeastSquares, FindsCoefficientsOfAnyScale) {
  constexpr std::size_t points = 50;
  const ResidualFunction decay = [](std::span<const double> x, std::span<double> r) {
    for (std::size_t i = 0; i < points; ++i) {
      const double t = static_cast<double>(i) / 1000;
      r[i] = std::log(x[0] * std::exp(-x[1] * t) / (3e-6 * std::exp(-40 * t)));
    }
  };
  const std::array<Range, 2> ranges{{{1e-9, 1e-3}, {1, 1000}}};
  for (const std::size_t threads : {1u, 4u}) {
    const LeastSquares found = least_squares(decay, points, ranges, std::array{1e-4, 5.0}, {.threads = threads});
    EXPECT_NEAR(found.x[0] / 3e-6, 1, 1e-3);
    EXPECT_NEAR(found.x[1] / 40, 1, 1e-3);
  }
}

TEST(LeastSquares, StaysWithinTheRanges) {
  const ResidualFunction beyond = [](std::span<const double> x, std::span<double> r) {
    r[0] = x[0] - 7;
    r[1] = x[1] + 2;
    r[2] = x[2] - 0.5;
  };
  const std::array<Range, 3> ranges{{{1, 5}, {0, 4}, {0, 1}}};
  const LeastSquares found = least_squares(beyond, 3, ranges, std::array{2.0, 3.0, 0.1});
  EXPECT_NEAR(found.x[0], 5, 0.05);
  EXPECT_LE(found.x[0], 5);
  EXPECT_NEAR(found.x[1], 0, 0.05);
  EXPECT_GE(found.x[1], 0);
  EXPECT_NEAR(found.x[2], 0.5, 1e-3);
}

TEST(LeastSquares, PassesOnWhatTheFunctionThrows) {
  const ResidualFunction fails = [](std::span<const double>, std::span<double>) { throw std::runtime_error("no"); };
  const std::array<Range, 1> ranges{{{0, 1}}};
  EXPECT_THROW(least_squares(fails, 1, ranges, std::array{0.2}, {.threads = 2}), std::runtime_error);
}

TEST(LeastSquares, SharesAndValuesAreInverse) {
  for (const Range range : {Range{1e-9, 1e-3}, Range{0, 5}, Range{-3, 3}})
    for (const double share : {0.0, 0.1, 0.5, 1.0}) EXPECT_NEAR(share_of(range, value_at(range, share)), share, 1e-9);
  EXPECT_DOUBLE_EQ(value_at({1e-6, 1e-2}, 0.5), 1e-4);
  EXPECT_EQ(share_of({1, 2}, 100), 1);
}

}  // namespace
}  // namespace gemmetry::calibrate
