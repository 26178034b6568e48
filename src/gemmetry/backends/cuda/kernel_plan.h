#pragma once

#include <memory>

#include "gemmetry/backends/cuda/attention_plan.h"
#include "gemmetry/backends/cuda/cuda_plan.h"
#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

/// Plans a kernel: products by cuBLASLt or, of few rows, by the own one; attention as AttentionPlanner does; all else
/// by own kernels, which have no choices but their own.
Status make_kernel_plan(Libraries& libraries, AttentionPlanner& attention, const measure::Kernel& kernel,
                        const char* key, std::unique_ptr<CudaPlan>* plan);

}  // namespace gemmetry::backends::cuda
