#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "gemmetry/cli/calibration_option.h"
#include "gemmetry/predict/predictor.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::cli {

/// On which GPU, in which node, at which clocks, by which calibration.
class GpuOptions {
 public:
  void add_to(CLI::App& app);

  /// The predicted cost model of that GPU, or of `usual` where --gpu does not say; unless --launch says otherwise, of a
  /// chain of kernels where the phase is decode. Error when the GPU is unknown.
  predict::Predictor predictor(const std::string& usual = "", shape::Phase phase = shape::Phase::forward) const;

  const predict::Predictor::Options& options() const { return options_; }

 private:
  std::string gpu_ = "h200";
  bool states_gpu_ = false;
  bool states_launch_ = false;
  std::string node_;
  CalibrationOption calibration_;
  predict::Predictor::Options options_;
};

/// The type operands have unless said: bf16, or fp16 on a GPU that cannot multiply bf16.
shape::Dtype default_dtype(const gpu::Gpu& gpu);

/// "graph", "stream", "chain".
std::string_view name_of(predict::Launch launch);

}  // namespace gemmetry::cli
