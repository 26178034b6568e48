#include "gemmetry/backends/cuda/memory_pool.h"

#include <algorithm>

namespace gemmetry::backends::cuda {

Status MemoryPool::open(std::int32_t device, cudaStream_t stream) noexcept {
  stream_ = stream;
  int pools = 0;
  cudaError_t error = cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device);
  if (error != cudaSuccess || pools == 0) return check(error, "ask for memory pools");
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = device;
  error = cudaMemPoolCreate(&pool_, &properties);
  std::uint64_t keep = ~std::uint64_t{0};
  if (error == cudaSuccess) error = cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep);
  return check(error, "make a pool of device memory");
}

MemoryPool::~MemoryPool() {
  if (pool_ != nullptr) cudaMemPoolDestroy(pool_);
}

cudaError_t MemoryPool::take(std::size_t bytes, void** buffer) noexcept {
  return pool_ != nullptr ? cudaMallocFromPoolAsync(buffer, bytes, pool_, stream_) : cudaMalloc(buffer, bytes);
}

Status MemoryPool::allocate(std::int64_t bytes, void** buffer) noexcept {
  *buffer = nullptr;
  if (bytes < 0) return failure(StatusCode::failed, "a buffer of %lld bytes", static_cast<long long>(bytes));
  constexpr std::size_t pack = 16;
  const std::size_t size = (static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)) + pack - 1) / pack * pack;
  cudaError_t error = take(size, buffer);
  if (error == cudaErrorMemoryAllocation && pool_ != nullptr) {
    // The pool may hold enough, but in pieces.
    cudaGetLastError();
    if (cudaStreamSynchronize(stream_) == cudaSuccess && cudaMemPoolTrimTo(pool_, 0) == cudaSuccess)
      error = take(size, buffer);
  }
  if (error == cudaSuccess) return {};
  if (error != cudaErrorMemoryAllocation) return check(error, "allocate device memory");
  cudaGetLastError();
  std::size_t free = 0;
  std::size_t total = 0;
  cudaMemGetInfo(&free, &total);
  constexpr double gibi = 1024.0 * 1024.0 * 1024.0;
  return failure(StatusCode::out_of_memory, "%.2f GiB do not fit: %.2f GiB of the device's %.2f GiB are free",
                 static_cast<double>(bytes) / gibi, static_cast<double>(free) / gibi,
                 static_cast<double>(total) / gibi);
}

void MemoryPool::release(void* buffer) noexcept {
  if (buffer == nullptr) return;
  const cudaError_t error = pool_ != nullptr ? cudaFreeAsync(buffer, stream_) : cudaFree(buffer);
  if (error != cudaSuccess) cudaGetLastError();  // a lost device says so at the next call
}

std::int64_t MemoryPool::idle_bytes() const noexcept {
  std::uint64_t reserved = 0;
  std::uint64_t used = 0;
  if (pool_ == nullptr || cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved) != cudaSuccess ||
      cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used) != cudaSuccess)
    return 0;
  return static_cast<std::int64_t>(reserved - used);
}

}  // namespace gemmetry::backends::cuda
