#pragma once

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/pointwise.h"
#include "gemmetry/predict/estimate.h"

namespace gemmetry::predict {

/// How long kernels take whose time is the memory they move. docs/models/pointwise.md.
class PointwiseModel {
 public:
  PointwiseModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration);

  Estimate estimate(const op::Norm& norm) const;
  Estimate estimate(const op::Softmax& softmax) const;
  Estimate estimate(const op::Activation& activation) const;
  Estimate estimate(const op::Rotary& rotary) const;
  Estimate estimate(const op::Residual& residual) const;
  Estimate estimate(const op::Embedding& embedding) const;
  Estimate estimate(const op::CrossEntropy& cross_entropy) const;
  Estimate estimate(const op::Optimizer& optimizer) const;
  Estimate estimate(const op::Pointwise& pointwise) const;

 private:
  Estimate moving(double bytes, double start_s, double efficiency) const;

  double bandwidth_;
  double launch_s_;
  gpu::PointwiseCoefficients coefficients_;
};

}  // namespace gemmetry::predict
