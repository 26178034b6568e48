#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "gemmetry/calibrate/error_statistics.h"
#include "gemmetry/calibrate/predictors.h"
#include "gemmetry/calibrate/sample.h"

namespace gemmetry::calibrate {

/// A sample and what is predicted for it.
struct Judgement {
  Sample sample;
  op::Cost cost;

  Prediction prediction() const { return {cost.time_s, sample.time_s, cost.error}; }
};

/// Each sample predicted. Error for an operator that the GPU cannot run.
std::vector<Judgement> judge(std::span<const Sample> samples, Predictors& predictors);

ErrorStatistics statistics_of(std::span<const Judgement> judgements);

/// Two samples, as indexes.
using Pair = std::pair<std::size_t, std::size_t>;

/// At most `count` random pairs of samples of one class that lie within an octave of each other. The same for the same
/// seed.
std::vector<Pair> neighbour_pairs(std::span<const Judgement> judgements, std::size_t count, std::uint64_t seed);

/// Share of those pairs whose measured ratio of times is in the 90 % interval that CostModel::compare gives.
double ratio_coverage(std::span<const Judgement> judgements, std::span<const Pair> pairs, Predictors& predictors);

/// An error that the library's choice of a kernel makes, not the shape: far beyond the others of its class, while
/// shapes of nearly the same sizes are as predicted.
struct Anomaly {
  std::size_t index = 0;
  double deviations = 0;  ///< of its class, from the class's centre; above 0: it is predicted too slow
  double neighbours = 0;  ///< median relative error of its neighbours
};

/// From the largest on. Classes of under 20 samples have none.
std::vector<Anomaly> anomalies(std::span<const Judgement> judgements);

}  // namespace gemmetry::calibrate
