#pragma once

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/estimate.h"

namespace gemmetry::predict {

/// How kernels slow down when they run for long: at the power limit the clock is lowered. docs/models/power.md.
class PowerModel {
 public:
  PowerModel(const gpu::Gpu& gpu, const gpu::PowerCoefficients& coefficients);

  /// How busy a kernel keeps the GPU at its full clock.
  struct Load {
    double tensor = 0;   ///< FLOP/s over the tensor cores' peak
    double memory = 0;   ///< bytes/s over the memory's peak
    double clocked = 0;  ///< share of the time that the clock decides, 0 to 1
  };
  /// Of a kernel that takes what the estimate says at the full clock.
  Load load(const op::Operator& op, const Estimate& estimate) const;

  /// Power at the full clock, were there no limit.
  double power_w(const Load& load) const;
  /// Share of the full clock that keeps the power within the limit.
  double clock(const Load& load) const;
  /// Sustained over burst time.
  double slowdown(const Load& load) const;

 private:
  gpu::Gpu gpu_;
  gpu::PowerCoefficients coefficients_;
};

}  // namespace gemmetry::predict
