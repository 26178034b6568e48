#pragma once

#include "gemmetry/backends/cuda/cuda_plan.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::backends::cuda {

/// Plans an operator that has an own kernel (kernels.h): all but products, attention and collectives. Unsupported:
/// those, and element types the kernels do not compute in. The caller deletes the plan. `sms`: of the device it will
/// run on.
measure::Status plan_own(const op::Operator& op, int sms, CudaPlan** plan) noexcept;

}  // namespace gemmetry::backends::cuda
