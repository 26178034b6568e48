#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gemmetry/op/cost.h"

namespace gemmetry::calibrate {

/// One operator predicted and measured.
struct Prediction {
  double predicted_s = 0;
  double measured_s = 0;
  op::Uncertainty error;  ///< as predicted

  /// |predicted / measured - 1|
  double relative() const;
  /// log(predicted / measured)
  double logarithm() const;
  /// Whether the measured time is in the predicted 90 % interval.
  bool covered() const;
  /// Half the width of that interval, of the predicted time.
  double half_width() const;
};

/// How far off many predictions are, as fractions.
struct ErrorStatistics {
  std::size_t count = 0;
  double mape = 0;        ///< mean absolute error, relative to what was measured
  double median = 0;      ///< of the absolute errors
  double p95 = 0;         ///< of the absolute errors
  double bias = 0;        ///< median of the signed errors: above 0, predictions are too slow
  double coverage = 0;    ///< share of the 90 % intervals that hold what was measured
  double half_width = 0;  ///< median of the intervals'
};

/// Everything 0 for none.
ErrorStatistics statistics_of(std::span<const Prediction> predictions);

/// Centre and spread that a tenth of wild values does not move: the median, and 1.4826 times the median distance from
/// it, the standard deviation of a normal distribution. Of at least one value.
struct RobustSpread {
  double centre = 0;
  double deviation = 0;
};
RobustSpread robust_spread(std::span<const double> values);

}  // namespace gemmetry::calibrate
