#pragma once

#include <cstdint>
#include <memory>

#include "gemmetry/backends/cuda/cuda_plan.h"
#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

/// Products by cuBLASLt. A null key takes the first choice of its heuristic, within the workspace that PyTorch gives
/// it; a key is the library's own description of an algorithm in hexadecimal digits, good for one version of it.
Status plan_gemm(Libraries& libraries, const op::Gemm& gemm, const char* key, std::unique_ptr<CudaPlan>* plan);

/// The same for a product at its place in a model; strides are those of measure::with_strides(). The key "own:gemv" is
/// the own kernel's.
Status plan_product(Libraries& libraries, const measure::ProductKernel& product, const char* key,
                    std::unique_ptr<CudaPlan>* plan);

/// Backend::algorithms for products.
Status gemm_algorithms(Libraries& libraries, const op::Gemm& gemm, measure::AlgorithmInfo* infos, std::int32_t capacity,
                       std::int32_t* found);

}  // namespace gemmetry::backends::cuda
