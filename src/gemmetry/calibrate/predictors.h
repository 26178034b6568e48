#pragma once

#include <map>
#include <utility>

#include "gemmetry/calibrate/sample.h"
#include "gemmetry/gpu/node.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::calibrate {

/// The predictors of one calibration, one for each way that samples were measured. Not safe to use from several
/// threads.
class Predictors {
 public:
  /// Refers to its arguments.
  Predictors(const gpu::Gpu& gpu, const gpu::Node& node, const gpu::Calibration& calibration)
      : gpu_(gpu), node_(node), calibration_(calibration) {}
  Predictors(gpu::Gpu&&, gpu::Node&&, gpu::Calibration&&) = delete;

  const predict::Predictor& of(const predict::Predictor::Options& how) {
    const auto key = std::pair(how.clocks, how.launch);
    auto found = made_.find(key);
    if (found == made_.end()) found = made_.emplace(key, predict::Predictor(gpu_, node_, calibration_, how)).first;
    return found->second;
  }
  const predict::Predictor& of(const Sample& sample) { return of(sample.how); }

 private:
  const gpu::Gpu& gpu_;
  const gpu::Node& node_;
  const gpu::Calibration& calibration_;
  std::map<std::pair<gpu::Clocks, predict::Launch>, predict::Predictor> made_;
};

}  // namespace gemmetry::calibrate
