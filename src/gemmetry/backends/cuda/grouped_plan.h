#pragma once

#include <cstdint>
#include <memory>

#include "gemmetry/backends/cuda/cuda_plan.h"
#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/op/gemm.h"

namespace gemmetry::backends::cuda {

/// Products of experts, by one of two algorithms, which are also their keys: "batched" is one strided batch of cuBLASLt
/// and needs as many rows for every expert; "grouped" is cuBLAS's grouped product and takes any. A null key takes the
/// first where it can, else the second.
Status plan_grouped(Libraries& libraries, const op::GroupedGemm& gemm, const char* key,
                    std::unique_ptr<CudaPlan>* plan);

/// Backend::algorithms for products of experts.
Status grouped_algorithms(Libraries& libraries, const op::GroupedGemm& gemm, measure::AlgorithmInfo* infos,
                          std::int32_t capacity, std::int32_t* found);

}  // namespace gemmetry::backends::cuda
