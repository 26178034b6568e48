#pragma once

#include <cmath>

#include "gemmetry/op/cost.h"

namespace gemmetry::predict {

/// What one kernel takes, and of what that is made. The parts overlap: they add up to more than
/// the time.
struct Estimate {
  double time_s = 0;
  double tensor_time_s = 0;  ///< multiplying, on the busiest SM
  double memory_time_s = 0;  ///< moving operands and results; links for a collective
  double fixed_time_s = 0;   ///< launch and start
  op::Bound bound = op::Bound::memory;
};

/// Two parts of a kernel that overlap, but not altogether: the cube root of the sum of cubes.
inline double overlapped(double a, double b) { return std::cbrt(a * a * a + b * b * b); }

/// The part of an estimate that most of its time goes to. `useful_s` is what multiplying and moving take at the
/// hardware's peaks: a kernel that is far from both waits for latencies, as for its launch.
inline op::Bound bound_of(const Estimate& e, double useful_s = 1) {
  constexpr double far = 0.02;
  if (useful_s < far * e.time_s) return op::Bound::launch;
  if (e.fixed_time_s >= e.tensor_time_s && e.fixed_time_s >= e.memory_time_s) return op::Bound::launch;
  return e.tensor_time_s > e.memory_time_s ? op::Bound::tensor : op::Bound::memory;
}

}  // namespace gemmetry::predict
