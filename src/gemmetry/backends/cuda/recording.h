#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// Runs the calls' plans one after the other on the stream, without waiting. The first error ends it.
Status enqueue(const measure::Call* calls, std::size_t count, cudaStream_t stream) noexcept;

/// Calls as a CUDA graph, or as they are. Their operand lists must stay where they are.
class CudaRecording final : public measure::Recording {
 public:
  static Status make(const measure::Call* calls, std::size_t count, measure::Replay replay, cudaStream_t stream,
                     std::unique_ptr<CudaRecording>* recording);
  ~CudaRecording() override;

  Status replay(cudaStream_t stream) const noexcept;

  /// Kernels and copies of one replay, about: what it takes of the queue between host and device.
  std::size_t launches() const { return graph_ != nullptr ? nodes_ : calls_.size(); }

 private:
  CudaRecording() = default;
  Status capture(const measure::Call* calls, std::size_t count, cudaStream_t stream);

  cudaGraphExec_t graph_ = nullptr;
  std::size_t nodes_ = 0;
  std::vector<measure::Call> calls_;
};

}  // namespace gemmetry::backends::cuda
