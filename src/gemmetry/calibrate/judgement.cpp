#include "gemmetry/calibrate/judgement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::calibrate {
namespace {

/// Neighbours differ by no more octaves than this, over all sizes.
constexpr double near = 1;
/// What is sought among so many before a sample is taken to have no neighbour.
constexpr std::size_t most_looks = 400;

constexpr double far_deviations = 4;
constexpr double well_fitted = 1.5;  // deviations, of the neighbours' median
constexpr std::size_t least_neighbours = 3;
constexpr std::size_t least_samples = 20;
/// A class that fits to a hair has no anomaly within what measuring itself is uncertain by.
constexpr double least_deviation = 0.01;

using Indexes = std::vector<std::size_t>;

std::map<ShapeClass, Indexes> by_class(std::span<const Judgement> judgements) {
  std::map<ShapeClass, Indexes> classes;
  for (std::size_t i = 0; i < judgements.size(); ++i) classes[judgements[i].sample.shape_class].push_back(i);
  return classes;
}

bool are_near(const Judgement& a, const Judgement& b) {
  return a.sample.how.launch == b.sample.how.launch && octaves_between(a.sample.op, b.sample.op) <= near;
}

}  // namespace

std::vector<Judgement> judge(std::span<const Sample> samples, Predictors& predictors) {
  std::vector<Judgement> judgements;
  judgements.reserve(samples.size());
  for (const Sample& sample : samples) judgements.push_back({sample, predictors.of(sample).cost(sample.op)});
  return judgements;
}

ErrorStatistics statistics_of(std::span<const Judgement> judgements) {
  std::vector<Prediction> predictions;
  predictions.reserve(judgements.size());
  for (const Judgement& one : judgements) predictions.push_back(one.prediction());
  return statistics_of(predictions);
}

std::vector<Pair> neighbour_pairs(std::span<const Judgement> judgements, std::size_t count, std::uint64_t seed) {
  const std::map<ShapeClass, Indexes> classes = by_class(judgements);
  std::mt19937_64 random(seed);
  std::vector<Pair> pairs;
  if (judgements.empty()) return pairs;
  for (std::size_t tries = 0; pairs.size() < count && tries < 4 * count; ++tries) {
    const std::size_t a = random() % judgements.size();
    const Indexes& others = classes.at(judgements[a].sample.shape_class);
    for (std::size_t look = 0; look < most_looks; ++look) {
      const std::size_t b = others[random() % others.size()];
      if (b == a || !are_near(judgements[a], judgements[b])) continue;
      pairs.emplace_back(a, b);
      break;
    }
  }
  return pairs;
}

double ratio_coverage(std::span<const Judgement> judgements, std::span<const Pair> pairs, Predictors& predictors) {
  std::size_t held = 0;
  for (const auto& [i, j] : pairs) {
    const Judgement& a = judgements[i];
    const Judgement& b = judgements[j];
    const op::CostModel& model = predictors.of(a.sample);
    const op::Ratio ratio = model.compare(a.cost, b.cost);
    const double measured = b.sample.time_s / a.sample.time_s;
    if (ratio.low <= measured && measured <= ratio.high) ++held;
  }
  return pairs.empty() ? 0 : static_cast<double>(held) / static_cast<double>(pairs.size());
}

std::vector<Anomaly> anomalies(std::span<const Judgement> judgements) {
  std::vector<Anomaly> found;
  for (const auto& [shape_class, indexes] : by_class(judgements)) {
    if (indexes.size() < least_samples) continue;
    std::vector<double> errors;
    for (const std::size_t i : indexes) errors.push_back(judgements[i].prediction().logarithm());
    RobustSpread spread = robust_spread(errors);
    spread.deviation = std::max(spread.deviation, least_deviation);
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      const double deviations = (errors[i] - spread.centre) / spread.deviation;
      if (std::abs(deviations) <= far_deviations) continue;
      std::vector<double> around;
      for (std::size_t j = 0; j < indexes.size(); ++j)
        if (j != i && are_near(judgements[indexes[i]], judgements[indexes[j]]))
          around.push_back(std::abs(errors[j] - spread.centre));
      if (around.size() < least_neighbours) continue;
      const double neighbours = measure::median(around);
      if (neighbours <= well_fitted * spread.deviation)
        found.push_back({indexes[i], deviations, std::expm1(neighbours)});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Anomaly& a, const Anomaly& b) { return std::abs(a.deviations) > std::abs(b.deviations); });
  return found;
}

}  // namespace gemmetry::calibrate
