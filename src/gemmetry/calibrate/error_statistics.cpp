#include "gemmetry/calibrate/error_statistics.h"

#include <algorithm>
#include <cmath>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::calibrate {
namespace {

/// Standard deviations of a normal distribution in its median absolute deviation.
constexpr double normal_deviations = 1.4826;

template <class Get>
std::vector<double> each(std::span<const Prediction> predictions, Get get) {
  std::vector<double> values;
  values.reserve(predictions.size());
  for (const Prediction& one : predictions) values.push_back(get(one));
  return values;
}

double log_width(const op::Uncertainty& error) { return op::normal_90 * std::hypot(error.shared, error.independent); }

}  // namespace

double Prediction::relative() const { return std::abs(predicted_s / measured_s - 1); }
double Prediction::logarithm() const { return std::log(predicted_s / measured_s); }
bool Prediction::covered() const { return std::abs(logarithm()) <= log_width(error); }
double Prediction::half_width() const { return std::sinh(log_width(error)); }

ErrorStatistics statistics_of(std::span<const Prediction> predictions) {
  ErrorStatistics result;
  result.count = predictions.size();
  if (predictions.empty()) return result;
  const std::vector<double> errors = each(predictions, [](const Prediction& r) { return r.relative(); });
  const auto count = static_cast<double>(predictions.size());
  for (const double error : errors) result.mape += error / count;
  result.median = measure::median(errors);
  result.p95 = measure::quantile(errors, 0.95);
  result.bias = std::expm1(measure::median(each(predictions, [](const Prediction& r) { return r.logarithm(); })));
  const auto covered =
      std::count_if(predictions.begin(), predictions.end(), [](const Prediction& r) { return r.covered(); });
  result.coverage = static_cast<double>(covered) / count;
  result.half_width = measure::median(each(predictions, [](const Prediction& r) { return r.half_width(); }));
  return result;
}

RobustSpread robust_spread(std::span<const double> values) {
  const double centre = measure::median(values);
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double value : values) distances.push_back(std::abs(value - centre));
  return {centre, normal_deviations * measure::median(distances)};
}

}  // namespace gemmetry::calibrate
