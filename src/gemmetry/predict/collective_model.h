#pragma once

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/node.h"
#include "gemmetry/op/collective.h"
#include "gemmetry/predict/estimate.h"

namespace gemmetry::predict {

/// How long collectives take. docs/models/collectives.md.
class CollectiveModel {
 public:
  CollectiveModel(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& calibration);

  Estimate estimate(const op::Collective& collective) const;

  /// Steps of the ring, one after the other.
  static double steps(const op::Collective& collective);
  /// Bytes/s of one GPU over the wires of that span.
  double link_bandwidth(op::Span span) const;

 private:
  double efficiency(const op::Collective& collective) const;

  double launch_s_;
  gpu::Node node_;
  gpu::CollectiveCoefficients coefficients_;
};

}  // namespace gemmetry::predict
