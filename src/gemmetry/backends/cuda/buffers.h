#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "gemmetry/backends/cuda/status.h"
#include "gemmetry/measure/operands.h"

// What Backend::fill and Backend::read need of the device.

namespace gemmetry::backends::cuda {

/// Fills the buffer as the operand's `fill` says, with the same bits as a host that takes random_data.h and rounds to
/// nearest, ties to even. Fill::none and Fill::forward: bytes of 0xff, which read as NaN, -1 or 255.
Status fill(void* buffer, const measure::Operand& operand, std::uint64_t seed, cudaStream_t stream) noexcept;

/// out[i] = buffer[indices[i]], or buffer[i] where `indices` is null, as float64. All three on the device.
Status gather(const void* buffer, measure::Element element, const std::int64_t* indices, std::int64_t count,
              double* out, cudaStream_t stream) noexcept;

}  // namespace gemmetry::backends::cuda
