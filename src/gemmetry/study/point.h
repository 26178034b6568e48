#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gemmetry/measure/whole.h"
#include "gemmetry/op/module.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/study/study.h"

namespace gemmetry::study {

/// An operator and how often a point runs it.
struct CountedOperator {
  op::Operator op;
  double count = 1;
};

/// One place of a study's sweep in one of its series.
struct Point {
  std::size_t series = 0;
  Variables variables;
  std::int64_t x = 0;                                     ///< the chart's
  std::int64_t color = 0;                                 ///< the chart's expression; 0 where it has none
  std::int64_t row = 0;                                   ///< likewise
  std::int64_t panel = 0;                                 ///< likewise
  std::vector<CountedOperator> work;                      ///< its times add up
  double tokens = 0;                                      ///< that it works on; 0 of operators
  std::vector<CountedOperator> baseline = {};             ///< what a slow-down is against, or a share of; else empty
  std::shared_ptr<const measure::Whole> whole = nullptr;  ///< what is executed in one piece; null: nothing is
  std::vector<op::Module> modules = {};                   ///< of the whole, whose share is asked for
};

/// Within a series: points of one line of the chart have one color, panel and row.
using LineKey = std::array<std::int64_t, 3>;
LineKey line_key(const Point& point);

/// All points, series by series, in the order of the sweep. `dtype` is that of operators which state none. Error naming
/// the study, the point and what is impossible about it.
std::vector<Point> points_of(const Study& study, op::Dtype dtype = op::Dtype::bf16);

/// At most so many points of each series (2 at least), evenly over x, every colour with its share and none left out
/// altogether that fits. What is already no more stays as it is.
std::vector<Point> thinned(std::vector<Point> points, std::size_t most);

}  // namespace gemmetry::study
