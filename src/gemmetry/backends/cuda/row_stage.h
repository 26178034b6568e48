#pragma once

#include "gemmetry/backends/cuda/rows.h"

namespace gemmetry::backends::cuda {

/// Finished rows of a block, gathered in shared memory: they are adjacent, and so written as one range, of which the
/// ends alone are written in pieces, not those of each row. Kept twice in turns, so that one barrier a round is enough.
template <typename T>
class RowStage {
 public:
  static constexpr int n = pack_size<T>;

  /// Of 16 bytes, that it takes of shared memory.
  static __host__ __device__ int packs(int groups, int width) { return 2 * packs_a_turn(groups, width); }

  /// `shift`: of the block's first row, the same in each round.
  __device__ RowStage(void* shared, int shift, int width)
      : ranges_(static_cast<T*>(shared)), shift_(shift), width_(width) {}

  /// Of this thread's group: as aligned as in memory.
  __device__ T* row() const { return ranges_ + begin_ + shift_ + static_cast<int>(threadIdx.y) * width_; }

  /// Writes the first `rows` rows; all threads of the block. `to`: the first of them in memory.
  __device__ void write(T* to, int rows) {
    const int threads = static_cast<int>(blockDim.x * blockDim.y);
    const int count = rows * width_;
    __syncthreads();
    for (int at = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x) * n; at < shift_ + count;
         at += threads * n) {
      store_slot(to, load<n>(ranges_ + begin_ + at), at - shift_, count);
    }
    begin_ = packs_a_turn(static_cast<int>(blockDim.y), width_) * n - begin_;
  }

 private:
  static __host__ __device__ int packs_a_turn(int groups, int width) { return (groups * width + 3 * n - 2) / n; }

  T* ranges_;
  int begin_ = 0;  // of this turn's
  int shift_;
  int width_;
};

}  // namespace gemmetry::backends::cuda
