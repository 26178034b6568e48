#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gemmetry/calibrate/shape_class.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::calibrate {

/// A measurement that a prediction can be held against.
struct Sample {
  op::Operator op;
  predict::Predictor::Options how;
  double time_s = 0;
  bool held_out = false;
  ShapeClass shape_class;
  measure::AlgorithmInfo algorithm;
  measure::ClockReading clocks;
};

/// What became of records.
struct SampleCount {
  std::size_t used = 0;
  std::size_t held_out = 0;   ///< of those
  std::size_t not_ok = 0;     ///< skipped, failed or untrusted
  std::size_t other_gpu = 0;  ///< of another GPU than asked for
  std::size_t other_way = 0;  ///< tuned algorithms, a warm cache: nothing predicts those
  std::size_t again = 0;      ///< the same operator measured the same way once more
};

struct Samples {
  std::vector<Sample> all;
  SampleCount count;
};

/// The records that predictions for that GPU are held against: the first of each operator at each setting. A record
/// that names no GPU is taken to be of this one, unless a CPU made it.
Samples samples_of(std::span<const measure::Record> records, const std::string& gpu);

}  // namespace gemmetry::calibrate
