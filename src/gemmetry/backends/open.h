#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/backend.h"

namespace gemmetry::backends {

/// There is no such device here, or what it needs is missing; the message says what and how to get it.
class NoDevice : public Error {
 public:
  using Error::Error;
};

/// Opens "cpu", "cuda" (the first device) or "cuda:1". CUDA devices are opened by libgemmetry_cuda.so, which is loaded
/// from the folder `beside`, usually the program's own, and stays loaded. Throws NoDevice, or Error for a name that is
/// no device's.
std::unique_ptr<measure::Backend> open_device(const std::string& name, const std::filesystem::path& beside);

/// A device as `gemmetry backends` lists it.
struct ListedDevice {
  std::string name;  ///< for open_device
  std::optional<measure::DeviceInfo> info;
  std::string reason;  ///< why there is no info
};

/// The CPU and every CUDA device; where there is none of those, one entry "cuda" with the reason.
std::vector<ListedDevice> list_devices(const std::filesystem::path& beside);

}  // namespace gemmetry::backends
