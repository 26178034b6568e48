#pragma once

#include <cstdint>
#include <optional>

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/predict/estimate.h"

namespace gemmetry::predict {

/// How long the kernels of a decoding step take as run::Decoder chains them: in one graph, each brought to the SMs
/// while the one before still runs; linear layers of one or two rows and attention over a cache by kernels of their
/// own. What it does not speak of takes as long as by itself. docs/models/decoding.md.
class ChainModel {
 public:
  ChainModel(const gpu::Gpu& gpu, const gpu::ChainCoefficients& coefficients);

  /// Absent: as by itself.
  std::optional<Estimate> estimate(const op::Operator& op) const;

 private:
  std::optional<Estimate> product(const op::Gemm& gemm) const;
  std::optional<Estimate> attention(const op::Attention& attention) const;
  Estimate rows(double start_s, double bytes) const;

  gpu::Gpu gpu_;
  gpu::ChainCoefficients chain_;
};

/// Parts that the cache of each sequence is cut into: the fewest with which the blocks fill the SMs nearly as well as
/// with any number.
std::int64_t cache_parts(const op::Attention& attention, std::int64_t sms);

}  // namespace gemmetry::predict
