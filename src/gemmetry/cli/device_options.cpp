#include "gemmetry/cli/device_options.h"

#include <fmt/format.h>

#include "gemmetry/backends/open.h"
#include "gemmetry/cli/arguments.h"

namespace gemmetry::cli {

CLI::Option* DeviceOptions::add_to(CLI::App& app) {
  const auto read = [this](const std::string&, const std::string& text) {
    device_ = backends::DeviceName::from(text);
    if (device_.kind == backends::DeviceKind::predicted && !may_predict_)
      throw Error(fmt::format("device '{}' measures nothing: gemmetry predict, gemm and explain estimate", text));
  };
  return add_text(app, "--device", "NAME",
                  may_predict_
                      ? "cuda, cuda:1, ... or cpu; recorded:h200 answers from data/measured, predict:h200 estimates"
                      : "cuda, cuda:1, ... or cpu; recorded:h200 answers from data/measured",
                  read)
      ->default_str(name());
}

std::unique_ptr<measure::Backend> DeviceOptions::open(int local_rank) const {
  if (is_recorded())
    throw Error(fmt::format(
        "device '{}' runs nothing: gemmetry measure and explain --compare answer from its records; this needs cuda or "
        "cpu",
        name()));
  backends::DeviceName device = device_;
  if (device.kind == backends::DeviceKind::cuda && !device.index && local_rank > 0) device.index = local_rank;
  return backends::open_device(backends::name(device), program_folder());
}

std::filesystem::path program_folder() {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? std::filesystem::current_path() : program.parent_path();
}

}  // namespace gemmetry::cli
