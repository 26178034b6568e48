#pragma once

#include <cuda_runtime_api.h>

#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cuda {

/// A plan of this backend: enqueues its kernels on a stream. Everything it does may be captured into a graph.
class CudaPlan : public measure::Plan {
 public:
  const measure::AlgorithmInfo& algorithm() const noexcept final { return algorithm_; }

  virtual measure::Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept = 0;

  /// Makes the operands with Fill::forward; most operators have none.
  virtual measure::Status prepare(void* const*, void*, cudaStream_t) noexcept { return {}; }

 protected:
  measure::AlgorithmInfo algorithm_;
};

}  // namespace gemmetry::backends::cuda
