#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gemmetry/study/claim.h"
#include "gemmetry/study/outcome.h"

// What a condition looks at: the points it selects whose time is known, and the lines of the chart that they make.

namespace gemmetry::study {

/// A point that is known.
struct Sample {
  const Point* point = nullptr;
  double y = 0;  ///< in the chart's unit, above 0
  double time_s = 0;
};

/// The known points of a selection.
struct Samples {
  std::vector<Sample> known;
  std::size_t missing = 0;
  std::string why;            ///< the first of those is
  std::size_t scattered = 0;  ///< known, but fewer than are missing: these are not among `known`, as they tell little
};

/// Everything that is known of a study.
struct Evidence {
  const Study& study;
  const std::vector<Point>& points;
  const std::vector<Outcome>& outcomes;

  Samples of(const Selection& selection) const;
};

/// Points at one x of a line.
struct Stop {
  double y = 0;                  ///< their median
  const Point* point = nullptr;  ///< one of them
};

/// Points of one series and colour (of a heatmap: series, panel and row), at rising x.
using Line = std::vector<Stop>;

/// In the order of series and colour. Lines of a single x have no course and are left out.
std::vector<Line> lines_of(const std::vector<Sample>& samples);

/// The same points by line, each at its place in the sweep, none merged or left out.
std::vector<std::vector<Sample>> by_line(const std::vector<Sample>& samples);

/// Of y values: those of `samples`, in their order.
std::vector<double> ys(const std::vector<Sample>& samples);

/// "throughput", "time per token": what y is.
std::string_view quantity_name(Quantity quantity);

/// Less is better: of times.
bool is_time(Quantity quantity);

}  // namespace gemmetry::study
