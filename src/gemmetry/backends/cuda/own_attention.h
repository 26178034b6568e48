#pragma once

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

/// Why own kernels do not compute this attention; ok where they do. Strides are those of measure::with_strides().
Status inspect_own_attention(const measure::AttentionKernel& kernel);

/// Parts in which the keys are summed.
std::int64_t key_parts(const measure::AttentionKernel& kernel, int sms) noexcept;

/// Of the parts' sums, where the keys are cut.
std::int64_t workspace_bytes(const measure::AttentionKernel& kernel, int sms) noexcept;

/// Attention by own kernels; without workspace the keys are not cut.
Status launch(const measure::AttentionKernel& kernel, const Launch& on) noexcept;

}  // namespace gemmetry::backends::cuda
