#pragma once

#include <cstdint>

// Blocks that see each other's shared memory, from Hopper on; before, a block is a cluster of its own.

namespace gemmetry::backends::cuda {

/// Blocks that a cluster has at most on any GPU that has clusters.
inline constexpr unsigned most_in_cluster = 8;

__device__ inline unsigned rank_in_cluster() {
  unsigned rank = 0;
#if __CUDA_ARCH__ >= 900
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return rank;
}

/// Every thread of every block of the cluster has come here, and what it wrote to shared memory is seen.
__device__ inline void wait_for_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

/// The same variable, of 4 bytes, in the shared memory of another block of the cluster.
template <typename T>
__device__ T load_from(const T* own, unsigned rank) {
  static_assert(sizeof(T) == 4);
  T value = *own;
#if __CUDA_ARCH__ >= 900
  std::uint32_t address = static_cast<std::uint32_t>(__cvta_generic_to_shared(own));
  std::uint32_t bits;
  asm volatile("mapa.shared::cluster.u32 %0, %0, %1;" : "+r"(address) : "r"(rank));
  asm volatile("ld.shared::cluster.u32 %0, [%1];" : "=r"(bits) : "r"(address) : "memory");
  __builtin_memcpy(&value, &bits, sizeof value);
#endif
  return value;
}

}  // namespace gemmetry::backends::cuda
