#include "gemmetry/calibrate/log_error_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::calibrate {
namespace {

constexpr std::size_t least_samples = 30;
constexpr std::size_t pairs_of_class = 2000;
constexpr double held = 0.9;
/// What measuring the same again differs by.
constexpr double least_error = 0.005;

/// The deviation of the normal distribution whose central 90 % are as wide as those of the values about 0, and a little
/// wider where few values say where those end.
double deviation(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  const double doubt = std::sqrt(held * (1 - held) / static_cast<double>(values.size()));
  return measure::quantile(values, std::min(held + doubt, 1.0)) / op::normal_90;
}

gpu::LogError fit(std::span<const Judgement> judgements, std::uint64_t seed) {
  std::vector<double> errors;
  for (const Judgement& one : judgements) errors.push_back(one.prediction().logarithm());
  const double all = std::max(deviation(errors), least_error);
  std::vector<double> differences;
  for (const auto& [a, b] : neighbour_pairs(judgements, pairs_of_class, seed))
    differences.push_back((errors[a] - errors[b]) / std::numbers::sqrt2);
  const double own = differences.size() < least_samples ? all : std::clamp(deviation(differences), least_error, all);
  return {std::sqrt(std::max(all * all - own * own, 0.0)), own};
}

}  // namespace

gpu::LogErrors log_errors_of(std::span<const Judgement> judgements, std::uint64_t seed) {
  std::map<std::string, std::vector<Judgement>> classes;
  for (const Judgement& one : judgements) classes[std::string(op::name(one.cost.error_class))].push_back(one);
  gpu::LogErrors errors;
  for (const auto& [name, members] : classes)
    if (members.size() >= least_samples) errors[name] = fit(members, seed);
  return errors;
}

}  // namespace gemmetry::calibrate
