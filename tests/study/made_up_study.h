#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gemmetry/study/verdict.h"

namespace gemmetry::test {

/// Where a point stands besides its x.
struct At {
  std::size_t series = 0;
  std::int64_t color = 0;
  study::Variables more = {};
};

/// A study whose points are stated by hand: y over x, in TFLOP/s, of two series named "a" and "b".
struct MadeUpStudy {
  study::Study study;
  std::vector<study::Point> points;
  std::vector<study::Outcome> outcomes;

  MadeUpStudy() {
    study.name = "made_up";
    study.chart.x = "x";
    study.series.resize(2);
    study.series[0].label = "a";
    study.series[1].label = "b";
  }

  void add(std::int64_t x, double y, const At& at = {}) {
    missing(x, "", at);
    outcomes.back() = {.time_s = 1 / y, .time_low_s = 1 / y, .time_high_s = 1 / y, .flop = 1e12, .bytes = 1, .how = ""};
  }

  void missing(std::int64_t x, const std::string& why, const At& at = {}) {
    study::Point point;
    point.series = at.series;
    point.variables = at.more;
    point.variables["x"] = x;
    point.x = x;
    point.color = at.color;
    point.tokens = 1;
    points.push_back(std::move(point));
    outcomes.emplace_back().how = why;
  }

  /// Multiplies each y by a factor within 1/(1 + size) .. 1 + size.
  void add_noise(double size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> exponent(-1, 1);
    for (study::Outcome& outcome : outcomes)
      if (outcome.time_s) *outcome.time_s *= std::pow(1 + size, exponent(random));
  }

  void scale(double factor) {
    for (study::Outcome& outcome : outcomes)
      if (outcome.time_s) *outcome.time_s /= factor;
  }

  void shuffle() {
    std::mt19937 random(7);
    std::vector<std::size_t> order(points.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::shuffle(order, random);
    const auto old = *this;
    for (std::size_t i = 0; i < order.size(); ++i) {
      points[i] = old.points[order[i]];
      outcomes[i] = old.outcomes[order[i]];
    }
  }

  study::Verdict judge(const study::Condition& condition, double tolerance = 0.02) {
    study.claims = {{"claim", "As claimed.", condition, tolerance}};
    return study::judge(study, points, outcomes).front();
  }
};

inline testing::AssertionResult says(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << part << "' is not in: " << text;
}

inline study::Expression formula(const std::string& text) { return {"test", text}; }

inline study::Selection series(const std::string& label) { return {.series = label, .where = {}}; }

inline study::Selection where(const std::string& text) { return {.series = "", .where = formula(text)}; }

}  // namespace gemmetry::test
