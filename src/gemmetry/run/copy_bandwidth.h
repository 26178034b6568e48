#pragma once

#include <cstdint>

#include "gemmetry/measure/backend.h"

namespace gemmetry::run {

/// Bytes read and written per second by a copy within the device of up to `bytes`, as long as they fit beside what is
/// there: what a kernel that only moves memory reaches.
double copy_bandwidth(measure::Backend& backend, std::int64_t bytes);

}  // namespace gemmetry::run
