#pragma once

#include "gemmetry/backends/cuda/rows.h"

namespace gemmetry::backends::cuda {

/// Rows on their way into shared memory, `depth` ahead. Each thread copies and takes its own slots: nothing but its own
/// wait guards them. What is behind the row is 0; its first slot brings the end of the row before along. Whole slots
/// are read, also where the row ends within: memory_pool.h says why that may be.
template <typename T, int Slots, int Arrays>
class RowRing {
 public:
  static constexpr int n = pack_size<T>;
  using Packs = Pack<T, n>[Slots];

  static std::size_t stage_bytes(int threads) { return std::size_t{16} * Slots * Arrays * threads; }

  /// Rows of `width` that all have this shift.
  __device__ RowRing(void* shared, int depth, int shift, int width)
      : own_(static_cast<uint4*>(shared) + threadIdx.y * blockDim.x + threadIdx.x),
        threads_(static_cast<int>(blockDim.x * blockDim.y)),
        depth_(depth),
        shift_(shift) {
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      bytes_[s] = min(max(width - slot_column<T>(s, shift), 0), n) * static_cast<int>(sizeof(T));
    }
  }

  /// Begins to copy a row of one array.
  __device__ void copy(int array, const T* row) {
    const T* from = row + slot_column<T>(0, shift_);
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      copy_async(&slot(place_, array, s), from + s * static_cast<int>(blockDim.x) * n, bytes_[s]);
    }
  }

  /// After a row's copies, or none where there is no further row.
  __device__ void commit() {
    asm volatile("cp.async.commit_group;" ::: "memory");
    place_ = place_ + 1 == depth_ ? 0 : place_ + 1;
  }

  /// Waits for the oldest row, when `depth` were committed since it was begun.
  __device__ void wait() const {
    if (depth_ == 1) return wait_for_all_but<0>();
    wait_for_all_but<1>();
  }

  /// Of the row that was waited for: its place is the next to be copied to.
  __device__ void take(int array, Packs& packs) const {
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      const uint4 words = slot(place_, array, s);
      __builtin_memcpy(&packs[s], &words, sizeof words);
    }
  }

 private:
  template <int newer>
  static __device__ void wait_for_all_but() {
    asm volatile("cp.async.wait_group %0;" ::"n"(newer) : "memory");
  }

  static __device__ void copy_async(uint4* to, const T* from, int bytes) {
    const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from), "r"(bytes) : "memory");
  }

  __device__ uint4& slot(int stage, int array, int s) const {
    return own_[((stage * Arrays + array) * Slots + s) * threads_];
  }

  uint4* own_;
  int threads_;
  int depth_;
  int shift_;
  int bytes_[Slots];  // inside the row, or before it
  int place_ = 0;     // of the oldest row, and of the next
};

inline constexpr int most_depth = 2;  ///< more was slower

/// How a kernel with a ring is launched.
struct RingPlan {
  int depth = 1;            ///< rows ahead
  std::size_t bytes = 0;    ///< of shared memory, a block
  std::int64_t blocks = 0;  ///< that stay on the device
};

/// The deepest ring that leaves as many blocks on an SM as the registers do, or `most_blocks`. `beside`: bytes that the
/// block takes beside it; `least`: bytes that it takes when it is done with it.
template <typename Kernel>
RingPlan plan_ring(Kernel kernel, const RowShape& shape, std::size_t stage_bytes, int sms, int most_blocks = 32,
                   std::size_t beside = 0, std::size_t least = 0) {
  int device = 0;
  int of_sm = 0;
  int of_block = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&of_sm, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device);
  cudaDeviceGetAttribute(&of_block, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  constexpr int own_bytes = 2048;  // the kernel's other shared memory and the driver's
  const std::int64_t each = std::clamp<std::int64_t>(resident_blocks(kernel, shape.threads(), 0, 1), 1, most_blocks);
  const std::int64_t most =
      std::min<std::int64_t>(of_sm / each, of_block) - own_bytes - static_cast<std::int64_t>(beside);
  RingPlan plan;
  plan.depth = static_cast<int>(std::clamp<std::int64_t>(most / static_cast<std::int64_t>(stage_bytes), 1, most_depth));
  plan.bytes = std::max(beside + plan.depth * stage_bytes, least);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(plan.bytes));
  plan.blocks = resident_blocks(kernel, shape.threads(), plan.bytes, sms);
  return plan;
}

}  // namespace gemmetry::backends::cuda
