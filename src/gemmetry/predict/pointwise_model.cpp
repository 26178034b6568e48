#include "gemmetry/predict/pointwise_model.h"

// Predicts: norms, softmax, activations, rotations, residuals, embeddings, losses, optimizer updates and elementwise
// kernels. Formula:  launch + start + bytes / (efficiency x bandwidth), one efficiency by kind of kernel. Range:    any
// size; not calibrated to measurements yet. Ignores:  operands still in L2 (below a few MB kernels can be up to twice
// as fast), rows too few to fill the SMs,
//           arithmetic, vector width.
// Source:   compulsory bytes of op; coefficients from data/calibration.

namespace gemmetry::predict {

PointwiseModel::PointwiseModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration)
    : bandwidth_(gpu.bandwidth), launch_s_(gpu.launch_graph_s), coefficients_(calibration.pointwise) {}

Estimate PointwiseModel::moving(double bytes, double efficiency) const {
  Estimate estimate;
  estimate.memory_time_s = bytes / (efficiency * bandwidth_);
  estimate.fixed_time_s = launch_s_ + coefficients_.start_s;
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = bound_of(estimate);
  return estimate;
}

Estimate PointwiseModel::estimate(const op::Norm& norm) const {
  return moving(op::bytes(norm), norm.backward ? coefficients_.backward_reduction : coefficients_.reduction);
}

Estimate PointwiseModel::estimate(const op::Softmax& softmax) const {
  return moving(op::bytes(softmax), softmax.backward ? coefficients_.backward_reduction : coefficients_.reduction);
}

Estimate PointwiseModel::estimate(const op::CrossEntropy& cross_entropy) const {
  return moving(op::bytes(cross_entropy),
                cross_entropy.backward ? coefficients_.backward_reduction : coefficients_.reduction);
}

Estimate PointwiseModel::estimate(const op::Embedding& embedding) const {
  return moving(op::bytes(embedding), coefficients_.scatter);
}

Estimate PointwiseModel::estimate(const op::Activation& activation) const {
  return moving(op::bytes(activation), coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Rotary& rotary) const {
  return moving(op::bytes(rotary), coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Residual& residual) const {
  return moving(op::bytes(residual), coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Optimizer& optimizer) const {
  return moving(op::bytes(optimizer), coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Pointwise& pointwise) const {
  return moving(op::bytes(pointwise), coefficients_.streaming);
}

}  // namespace gemmetry::predict
