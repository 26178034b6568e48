#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "gemmetry/backends/cuda/status.h"

namespace gemmetry::backends::cuda {

/// Device memory in the order of one stream. What is released stays with the pool, so that the next buffer is there at
/// once, until memory runs out.
class MemoryPool {
 public:
  MemoryPool() = default;
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  Status open(std::int32_t device, cudaStream_t stream) noexcept;

  /// Aligned to 256 bytes; never null, even for 0 bytes. Kernels may read to the next multiple of 16 bytes.
  Status allocate(std::int64_t bytes, void** buffer) noexcept;
  void release(void* buffer) noexcept;

  /// Bytes that were released and wait for the next allocation.
  std::int64_t idle_bytes() const noexcept;

 private:
  cudaError_t take(std::size_t bytes, void** buffer) noexcept;

  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;  // null where the device has no pools
};

}  // namespace gemmetry::backends::cuda
