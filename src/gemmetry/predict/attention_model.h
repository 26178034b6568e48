#pragma once

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/attention.h"
#include "gemmetry/predict/estimate.h"

namespace gemmetry::predict {

/// How long fused attention takes. docs/models/attention.md.
class AttentionModel {
 public:
  AttentionModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration, gpu::Clocks clocks);

  /// Error if the GPU cannot multiply that dtype.
  Estimate estimate(const op::Attention& attention) const;

 private:
  Estimate many_queries(const op::Attention& attention) const;
  Estimate few_queries(const op::Attention& attention) const;
  double peak_per_sm(shape::Dtype dtype) const;

  gpu::Gpu gpu_;
  gpu::AttentionCoefficients attention_;
  gpu::DecodeCoefficients decode_;
  double clock_;  ///< share of the burst throughput
};

/// Whether the kernel that splits the cache over the SMs runs: a few queries against many more keys.
bool is_decode(const op::Attention& attention);

/// The head dimension a fused kernel works with: the next multiple of 32, which the dimension is padded to.
std::int64_t padded_head_dim(std::int64_t head_dim);

}  // namespace gemmetry::predict
