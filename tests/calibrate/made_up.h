#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "gemmetry/calibrate/sample.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::calibrate {

inline constexpr predict::Predictor::Options in_burst{gpu::Clocks::burst, predict::Launch::graph};

inline Sample sample(const op::Operator& op, double time_s, bool held_out = false) {
  return {op, in_burst, time_s, held_out, class_of(op, gpu::Clocks::burst), {}, {}};
}

/// Products of all sizes, in steps of less than an octave.
inline std::vector<op::Gemm> products() {
  std::vector<op::Gemm> result;
  for (const std::int64_t m : {1, 16, 48, 64, 200, 512, 1000, 2048, 3000, 8192})
    for (const std::int64_t n : {512, 1024, 1536, 2560, 4096, 11008})
      for (const std::int64_t k : {512, 1024, 2048, 4096, 8192}) result.push_back({.m = m, .n = n, .k = k});
  return result;
}

/// What that GPU's predictor says of products, as if it had been measured, times `factor(i)`.
template <class Factor>
std::vector<Sample> as_measured(const std::string& gpu, const gpu::Calibration& calibration, Factor factor) {
  const gpu::Gpu facts = gpu::load_gpu(gpu);
  const predict::Predictor predictor(facts, gpu::usual_node(facts), calibration, in_burst);
  std::vector<Sample> samples;
  for (const op::Gemm& gemm : products())
    samples.push_back(sample(gemm, predictor.structured_time(gemm) * factor(samples.size())));
  return samples;
}

/// A GPU's shipped calibration without what was learned on top.
inline gpu::Calibration structured(const std::string& gpu) {
  gpu::Calibration calibration = gpu::calibration_for(gpu::load_gpu(gpu));
  calibration.residuals.clear();
  return calibration;
}

}  // namespace gemmetry::calibrate
