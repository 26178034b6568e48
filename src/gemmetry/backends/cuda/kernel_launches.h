#pragma once

#include <cstdint>

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/measure/kernel.h"

// The own kernels at their place in a model: operands in the order of the kernel's struct, strides those of
// measure::with_strides(). Operands may begin anywhere; those at multiples of 16 bytes are moved faster.

namespace gemmetry::backends::cuda {

Status launch(const measure::ActivatedProductKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::NormKernel& kernel, const Launch& on) noexcept;
/// The same of dense rows, whose beginnings and widths are whole packs: for many, which are fetched ahead.
Status launch_dense(const measure::NormKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::RotaryKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::AppendKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::RotaryAppendKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::ActivationKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::EmbeddingKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::GatherKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::SoftmaxKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::HeadsKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::SampleKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::AdvanceKernel& kernel, const Launch& on) noexcept;
Status launch(const measure::FillKernel& kernel, const Launch& on) noexcept;

}  // namespace gemmetry::backends::cuda
