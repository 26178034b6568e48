#pragma once

#include "gemmetry/backends/cpu/cpu_plan.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cpu {

/// Plans a kernel: products by OpenBLAS, or with the keys "loops", "split:N" and "rounded:N" by loops that sum k in one
/// part or N (see Summing); all else by loops. Unsupported, with the reason, where no loops compute it or the key is
/// another's. The caller deletes the plan.
measure::Status make_kernel_plan(const measure::Kernel& kernel, const char* key, measure::Plan** plan);

}  // namespace gemmetry::backends::cpu
