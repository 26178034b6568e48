#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "gemmetry/measure/backend.h"

namespace gemmetry::cli {

/// On which device of this machine.
class DeviceOptions {
 public:
  void add_to(CLI::App& app);

  const std::string& name() const { return name_; }

  /// Opens it; `local_rank` picks among several GPUs when --device names no index. Throws backends::NoDevice.
  std::unique_ptr<measure::Backend> open(int local_rank = 0) const;

 private:
  std::string name_ = "cuda";
};

/// Where backends are looked for: the folder of the running program.
std::filesystem::path program_folder();

}  // namespace gemmetry::cli
