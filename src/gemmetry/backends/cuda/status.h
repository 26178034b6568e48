#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cuda {

using measure::Status;
using measure::StatusCode;

/// A status with a message made as printf makes it; line breaks become spaces and what is too long is cut.
[[gnu::format(printf, 2, 3)]] Status failure(StatusCode code, const char* format, ...) noexcept;

/// What a call of the library came to; `doing` is what was tried, "copy to the device". Errors are taken from the
/// runtime, so that the next call does not report them again; those that outlive that make the device lost.
Status check(cudaError_t error, const char* doing) noexcept;
Status check(cublasStatus_t error, const char* doing) noexcept;

}  // namespace gemmetry::backends::cuda
