#pragma once

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

inline constexpr const char* gemv_key = "own:gemv";

/// Rows of a up to which gemv is there, and up to which it is the first choice.
inline constexpr std::int64_t gemv_most_rows = 8;
inline constexpr std::int64_t gemv_usual_rows = 2;

/// Whether gemv computes the product: a linear layer of few rows. Strides are those of measure::with_strides().
bool gemv_takes(const measure::ProductKernel& product);

/// Few rows times a matrix that is read once, at the memory's pace.
Status launch_gemv(const measure::ProductKernel& product, const Launch& on) noexcept;

}  // namespace gemmetry::backends::cuda
