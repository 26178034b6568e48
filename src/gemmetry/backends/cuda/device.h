#pragma once

#include <cstdint>

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// Makes device `index` current. Unsupported, with the fix, where there is no driver, no device, or none of that index.
Status open_device(std::int32_t index) noexcept;

/// What device `index` and the libraries around it say of themselves.
Status describe_device(std::int32_t index, measure::DeviceInfo& info);

}  // namespace gemmetry::backends::cuda
