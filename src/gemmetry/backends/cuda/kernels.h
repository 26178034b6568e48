#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "gemmetry/backends/cuda/status.h"
#include "gemmetry/op/operator.h"

// The own kernels: each operator on the arrays that measure::operands(op) lists, as operands.cpp there defines it.
// Every array begins at a multiple of 16 bytes. Computed in fp32, rounded once. Elements are bf16, fp16 or fp32.

namespace gemmetry::backends::cuda {

struct Launch {
  void* const* operands = nullptr;
  void* workspace = nullptr;  ///< workspace_bytes(op, sms) bytes, aligned to 16
  int sms = 0;                ///< of the device: grids of kernels that stay on it are made from this
  cudaStream_t stream = nullptr;

  template <typename T>
  T* array(int index) const {
    return static_cast<T*>(operands[index]);
  }
};

Status launch(const op::Norm& norm, const Launch& on) noexcept;
Status launch(const op::Softmax& softmax, const Launch& on) noexcept;
Status launch(const op::Activation& activation, const Launch& on) noexcept;
Status launch(const op::Rotary& rotary, const Launch& on) noexcept;
Status launch(const op::Residual& residual, const Launch& on) noexcept;
Status launch(const op::Embedding& embedding, const Launch& on) noexcept;
Status launch(const op::CrossEntropy& cross_entropy, const Launch& on) noexcept;
Status launch(const op::Optimizer& optimizer, const Launch& on) noexcept;

/// What stands for the bytes that a pointwise operator moves: elements read and written, and their types.
struct StreamCounts {
  measure::Element read = measure::Element::bf16;
  measure::Element written = measure::Element::bf16;
  std::int64_t reads = 0;
  std::int64_t writes = 0;
};
Status launch(const op::Pointwise& pointwise, const StreamCounts& counts, const Launch& on) noexcept;

/// Makes what the forward pass would have left in a backward operator's arrays: a norm's statistics, the
/// cross-entropy's log_sum_exp.
Status launch_forward_operands(const op::Norm& norm, const Launch& on) noexcept;
Status launch_forward_operands(const op::CrossEntropy& cross_entropy, const Launch& on) noexcept;

std::int64_t workspace_bytes(const op::Norm& norm, int sms) noexcept;
std::int64_t workspace_bytes(const op::CrossEntropy& cross_entropy, int sms) noexcept;

}  // namespace gemmetry::backends::cuda
