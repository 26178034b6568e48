#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gemmetry::backends {

/// Where times of operators come from.
enum class DeviceKind {
  cpu,
  cuda,
  recorded,   ///< what was measured on a GPU earlier
  predicted,  ///< what a GPU of the catalogue is expected to do
};

/// What --device takes: "cpu", "cuda", "cuda:1", "recorded:h200" or "predict:h200".
struct DeviceName {
  DeviceKind kind = DeviceKind::cuda;
  std::optional<std::int32_t> index;  ///< of a CUDA device, where it is said
  std::string gpu;                    ///< that is recorded or predicted; whether it is known is not looked at

  /// Error naming the choices.
  static DeviceName from(const std::string& text);

  /// Whether operators can run on it.
  bool runs() const { return kind == DeviceKind::cpu || kind == DeviceKind::cuda; }
};

/// As `from` takes it.
std::string name(const DeviceName& device);

}  // namespace gemmetry::backends
