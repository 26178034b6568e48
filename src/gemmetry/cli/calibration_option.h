#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "gemmetry/gpu/calibration.h"

namespace gemmetry::cli {

/// Which calibration predictions rest on.
class CalibrationOption {
 public:
  CLI::Option* add_to(CLI::App& app);

  /// The file's, or the shipped one of that GPU or of the GPU nearest to it; of another GPU, with wider errors.
  gpu::Calibration calibration(const gpu::Gpu& gpu) const;

 private:
  std::string file_;
};

}  // namespace gemmetry::cli
