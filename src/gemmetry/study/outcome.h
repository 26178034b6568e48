#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/executions.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/study/point.h"
#include "gemmetry/study/study.h"

namespace gemmetry::study {

/// How a series is run: its own clocks and policy, or those that were asked for, and its launches.
struct SeriesSetting {
  gpu::Clocks clocks = gpu::Clocks::burst;
  measure::Policy policy = measure::Policy::first;
  measure::Replay launch = measure::Replay::graph;
  bool chained = false;  ///< a decoding step that is executed as a whole: several operators in a kernel

  auto operator<=>(const SeriesSetting&) const = default;
};

SeriesSetting setting_of(const Series& series, const SeriesSetting& asked);

measure::Setting measured(const SeriesSetting& setting);

/// Where costs at a setting come from; null: there are none.
using CostSource = std::function<const op::CostModel*(const SeriesSetting&)>;

/// What a point takes, or why that is not known.
struct Outcome {
  std::optional<double> time_s;  ///< absent: missing, never 0
  double time_low_s = 0;         ///< ends of the 90 % interval
  double time_high_s = 0;
  double flop = 0;
  double bytes = 0;
  std::optional<op::Ratio> slowdown;  ///< time over the baseline's, or share of it; absent in a study without one
  std::string
      how;  ///< of a point of one operator: the algorithm that ran, or why it costs that; else why it is missing

  /// In the chart's unit: TFLOP/s, s, B/s, s per token or times as long; nothing where the time is missing.
  std::optional<double> y(Quantity quantity, double tokens) const;
};

/// The outcome of each point of a study whose points are executed in one piece, in their order: missing where it was
/// not executed.
std::vector<Outcome> outcomes_of(const Study& study, const std::vector<Point>& points,
                                 const measure::Executions& executions, const SeriesSetting& asked);

/// The outcome of each point, in their order. An operator that cannot be priced makes its point missing.
std::vector<Outcome> outcomes_of(const Study& study, const std::vector<Point>& points, const CostSource& costs,
                                 const SeriesSetting& asked);

}  // namespace gemmetry::study
