#pragma once

#include <string>

#include "gemmetry/measure/kernel.h"

namespace gemmetry::measure {

/// Why no backend computes this kernel, naming the kernel, the value and the fix; empty where nothing is wrong with it.
/// Strides are those of with_strides().
std::string problem(const Kernel& kernel);

}  // namespace gemmetry::measure
