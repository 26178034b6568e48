#include "gemmetry/cli/device_options.h"

#include <fmt/format.h>

#include "gemmetry/backends/open.h"

namespace gemmetry::cli {

CLI::Option* DeviceOptions::add_to(CLI::App& app) {
  return app.add_option("--device", name_, "cuda, cuda:1, ... or cpu")->type_name("NAME")->capture_default_str();
}

std::unique_ptr<measure::Backend> DeviceOptions::open(int local_rank) const {
  const std::string name = name_ == "cuda" && local_rank > 0 ? fmt::format("cuda:{}", local_rank) : name_;
  return backends::open_device(name, program_folder());
}

std::filesystem::path program_folder() {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? std::filesystem::current_path() : program.parent_path();
}

}  // namespace gemmetry::cli
