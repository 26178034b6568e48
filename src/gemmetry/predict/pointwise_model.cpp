#include "gemmetry/predict/pointwise_model.h"

// Predicts: norms, softmax, activations, rotations, residuals, embeddings, losses, optimizer updates and elementwise
// kernels.
// Formula:  launch + start + bytes / (efficiency x bandwidth), start and efficiency by kind of kernel.
// Range:    any size.
// Ignores:  operands still in L2 (below a few MB kernels can be up to twice as fast), rows too few to fill the SMs,
//           arithmetic, vector width.
// Source:   compulsory bytes of op; coefficients from data/calibration.

namespace gemmetry::predict {

PointwiseModel::PointwiseModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration)
    : bandwidth_(gpu.bandwidth), launch_s_(gpu.launch_graph_s), coefficients_(calibration.pointwise) {}

Estimate PointwiseModel::moving(double bytes, double start_s, double efficiency) const {
  Estimate estimate;
  estimate.memory_time_s = bytes / (efficiency * bandwidth_);
  estimate.fixed_time_s = launch_s_ + start_s;
  estimate.time_s = estimate.fixed_time_s + estimate.memory_time_s;
  estimate.bound = bound_of(estimate);
  return estimate;
}

Estimate PointwiseModel::estimate(const op::Norm& norm) const {
  const double bytes = op::bytes(norm);
  return norm.backward ? moving(bytes, coefficients_.norm_backward_start_s, coefficients_.norm_backward)
                       : moving(bytes, coefficients_.norm_start_s, coefficients_.norm);
}

Estimate PointwiseModel::estimate(const op::Softmax& softmax) const {
  const double bytes = op::bytes(softmax);
  return softmax.backward ? moving(bytes, coefficients_.softmax_backward_start_s, coefficients_.softmax_backward)
                          : moving(bytes, coefficients_.softmax_start_s, coefficients_.softmax);
}

Estimate PointwiseModel::estimate(const op::CrossEntropy& loss) const {
  const double bytes = op::bytes(loss);
  return loss.backward ? moving(bytes, coefficients_.loss_backward_start_s, coefficients_.loss_backward)
                       : moving(bytes, coefficients_.loss_start_s, coefficients_.loss);
}

Estimate PointwiseModel::estimate(const op::Embedding& embedding) const {
  const double bytes = op::bytes(embedding);
  return embedding.backward ? moving(bytes, coefficients_.embedding_backward_start_s, coefficients_.embedding_backward)
                            : moving(bytes, coefficients_.embedding_start_s, coefficients_.embedding);
}

Estimate PointwiseModel::estimate(const op::Activation& activation) const {
  return moving(op::bytes(activation), coefficients_.streaming_start_s, coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Rotary& rotary) const {
  return moving(op::bytes(rotary), coefficients_.rotary_start_s, coefficients_.rotary);
}

Estimate PointwiseModel::estimate(const op::Residual& residual) const {
  return moving(op::bytes(residual), coefficients_.streaming_start_s, coefficients_.streaming);
}

Estimate PointwiseModel::estimate(const op::Optimizer& optimizer) const {
  return moving(op::bytes(optimizer), coefficients_.optimizer_start_s, coefficients_.optimizer);
}

Estimate PointwiseModel::estimate(const op::Pointwise& pointwise) const {
  return moving(op::bytes(pointwise), coefficients_.streaming_start_s, coefficients_.streaming);
}

}  // namespace gemmetry::predict
