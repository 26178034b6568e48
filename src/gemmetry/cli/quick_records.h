#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/measure/record.h"

namespace gemmetry::cli {

struct QuickRecords {
  std::string gpu;  ///< the catalogue's name or path of the GPU that they are taken for
  std::vector<measure::Record> records;
};

/// Measures a few products in bursts on the device. `gpu` says what the device is taken
/// for where it is not in the catalogue; empty: what it says itself. Throws backends::NoDevice, and Error for a device
/// that is in no catalogue, or is another than `gpu`.
QuickRecords measure_quickly(const DeviceOptions& device, const std::string& gpu, std::int64_t products,
                             const Console& console);

}  // namespace gemmetry::cli
