#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "study/made_up_study.h"

// Conditions, and studies that meet them more or less.

namespace gemmetry::study::test {

using namespace gemmetry::test;

inline RatioCondition even_over_odd(std::optional<double> at_least, std::optional<double> at_most = {}) {
  return {
      .of = where("x % 2 == 0"), .over = where("x % 2 == 1"), .match = {}, .at_least = at_least, .at_most = at_most};
}

/// Odd x at 100, even ones higher by `factor`.
inline MadeUpStudy two_levels(double factor, std::int64_t points = 20) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= points; ++x) study.add(x, x % 2 ? 100 : 100 * factor);
  return study;
}

inline OrderingCondition ordered(Direction direction) { return {.of = {}, .by = formula("g"), .direction = direction}; }

/// A point of each group at three x, the middle one at the stated height.
inline MadeUpStudy groups(const std::vector<double>& heights) {
  MadeUpStudy study;
  for (std::size_t g = 0; g < heights.size(); ++g)
    for (const double factor : {0.5, 1.0, 3.0})
      study.add(static_cast<std::int64_t>(10 * factor), heights[g] * factor,
                {.color = static_cast<std::int64_t>(g), .more = {{"g", std::int64_t{1} << g}}});
  return study;
}

/// One line of y over x = 1, 2, ...
inline MadeUpStudy line(const std::vector<double>& ys, At at = {}) {
  MadeUpStudy study;
  for (std::size_t i = 0; i < ys.size(); ++i) study.add(static_cast<std::int64_t>(i + 1), ys[i], at);
  return study;
}

/// From 100, a factor a step.
inline std::vector<double> growing(double factor, std::size_t points = 41) {
  std::vector<double> ys(points, 100);
  for (std::size_t i = 1; i < points; ++i) ys[i] = ys[i - 1] * factor;
  return ys;
}

inline const MonotoneCondition up{.of = {}, .direction = Direction::up};
inline const MonotoneCondition down{.of = {}, .direction = Direction::down};

/// A new wave begins beyond each multiple of 10: y rises within it and falls by `fall`, less a step's rise.
inline MadeUpStudy waves(double fall, std::int64_t step = 1) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= 100; x += step) {
    const double filled = static_cast<double>((x - 1) % 10) / 9;
    study.add(x, 100 * (1 - fall * (1 - filled)));
  }
  return study;
}

inline PeriodCondition every(const std::string& period) { return {.of = {}, .period = formula(period)}; }

inline SaturationCondition from(const std::string& x) { return {.of = {}, .from = formula(x)}; }

/// Rises to 100 at x = 10 and stays, with `dips` of the points from there on at 80.
inline MadeUpStudy saturating(int dips) {
  MadeUpStudy study;
  for (int x = 1; x < 10; ++x) study.add(x, 10.0 * x);
  for (int i = 0; i < 20; ++i) study.add(10 + i, i > 0 && i <= dips ? 80 : 100);
  return study;
}

inline const LinearCondition along_x{.of = {}, .along = test::formula("x")};

/// Time 2 + 3 x, at x = 1 to 20, `off` by that share of the largest at so many points.
inline MadeUpStudy straight(double off, int points = 1) {
  MadeUpStudy study;
  for (int x = 1; x <= 20; ++x) study.add(x, 1 / (2 + 3.0 * x + (x > 5 && x <= 5 + points ? off * 62 : 0)));
  return study;
}

}  // namespace gemmetry::study::test
