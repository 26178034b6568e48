#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "gemmetry/measure/backend.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::cli {

/// On which device of this machine.
class DeviceOptions {
 public:
  CLI::Option* add_to(CLI::App& app);

  const std::string& name() const { return name_; }

  /// The type operands have unless said: bf16, or fp32 on a CPU.
  shape::Dtype default_dtype() const { return name_ == "cpu" ? shape::Dtype::fp32 : shape::Dtype::bf16; }

  /// Opens it; `local_rank` picks among several GPUs when --device names no index. Throws backends::NoDevice.
  std::unique_ptr<measure::Backend> open(int local_rank = 0) const;

 private:
  std::string name_ = "cuda";
};

/// Where backends are looked for: the folder of the running program.
std::filesystem::path program_folder();

}  // namespace gemmetry::cli
