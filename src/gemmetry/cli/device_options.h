#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "gemmetry/backends/device_name.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::cli {

/// On which device: one of this machine, a recorded one, or for some commands a predicted one.
class DeviceOptions {
 public:
  explicit DeviceOptions(bool may_predict = false) : may_predict_(may_predict) {}

  CLI::Option* add_to(CLI::App& app);

  std::string name() const { return backends::name(device_); }

  /// Whether earlier records answer in the device's place, and of which GPU.
  bool is_recorded() const { return device_.kind == backends::DeviceKind::recorded; }
  const std::string& gpu() const { return device_.gpu; }
  const backends::DeviceName& device() const { return device_; }

  /// The type operands have unless said: bf16, or fp32 on a CPU.
  shape::Dtype default_dtype() const {
    return device_.kind == backends::DeviceKind::cpu ? shape::Dtype::fp32 : shape::Dtype::bf16;
  }

  /// Opens it; `local_rank` picks among several GPUs when --device names no index. Throws backends::NoDevice, and Error
  /// for a device that nothing runs on.
  std::unique_ptr<measure::Backend> open(int local_rank = 0) const;

 private:
  bool may_predict_;
  backends::DeviceName device_;
};

/// Where backends are looked for: the folder of the running program.
std::filesystem::path program_folder();

}  // namespace gemmetry::cli
