#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "gemmetry/backends/cuda/pack.h"

// Kernels that reduce rows keep each row in registers between the reduction and the result, so that it is read once.
// A row is seen as slots of one pack, aligned in memory: where the width is no multiple of a pack, its first slot
// begins `shift` elements before the row, and only the slots at its two ends are moved element by element. Lane l of
// the row's threads (threadIdx.x) holds slots l, l + lanes, ...; threadIdx.y counts the rows of a block. Blocks stay
// and go on with later rows; grids keep each thread's shift the same from row to row, so that what belongs to columns
// (weights, sums) stays in its registers.

namespace gemmetry::backends::cuda {

/// How many threads and slots a row takes.
struct RowShape {
  int slots = 0;   ///< a thread; 0: the row is too wide to be held
  int lanes = 0;   ///< threads a row: a power of two up to a warp, or whole warps
  int groups = 0;  ///< rows a block

  int threads() const { return lanes * groups; }
};

inline constexpr int row_threads = 512;  ///< the most of a block
/// Kernels whose four slots leave registers for it may take a warp more: the widest rows that are no multiple of a pack
/// touch one slot more.
inline constexpr int wide_row_threads = row_threads + 32;

/// Slots that a row of `width` may touch, whatever its shift.
inline std::int64_t row_slots(std::int64_t width, int pack) {
  return (width + (width % pack == 0 ? pack - 1 : 2 * pack - 2)) / pack;
}

/// `threads`: a block's, where several rows share it; `lanes_of_two`: threads a row up to which each takes two slots
/// rather than four.
inline RowShape row_shape(std::int64_t width, int pack, int threads, int lanes_of_two = row_threads,
                          int most_lanes = row_threads) {
  const std::int64_t slots = row_slots(width, pack);
  const int each = slots <= 8 ? 1 : slots <= 2 * lanes_of_two ? 2 : 4;
  const std::int64_t lanes = (slots + each - 1) / each;
  if (lanes > most_lanes) return {};
  if (lanes <= 32) {
    const int few = static_cast<int>(std::bit_ceil(static_cast<unsigned>(lanes)));
    return {each, few, threads / few};
  }
  const int whole_warps = static_cast<int>((lanes + 31) / 32 * 32);
  return {each, whole_warps, std::max(1, threads / whole_warps)};
}

/// Blocks for `rows` rows when at most `most` stay on the device.
inline unsigned row_grid(const RowShape& shape, std::int64_t rows, std::int64_t width, int pack, std::int64_t most) {
  const std::int64_t needed = (rows + shape.groups - 1) / shape.groups;
  if (needed <= most) return static_cast<unsigned>(needed);
  if (width % pack == 0 || shape.groups % pack == 0) return static_cast<unsigned>(most);
  // Rows of a thread are a multiple of a pack apart: the same shift. More blocks than stay are no error.
  return static_cast<unsigned>(std::max<std::int64_t>(most / pack * pack, pack));
}

/// Blocks of the kernel that the device holds at once.
template <typename Kernel>
std::int64_t resident_blocks(Kernel kernel, int threads, std::size_t shared_bytes, int sms) {
  int each = 0;
  if (cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads, shared_bytes) != cudaSuccess) each = 1;
  return std::int64_t{sms} * std::max(1, each);
}

/// Elements of row `row` before its first slot's first aligned element.
template <typename T>
__device__ int row_shift(std::int64_t row, std::int64_t width) {
  return static_cast<int>(row * width % pack_size<T>);
}

/// Column at which slot `slot` of this thread begins; negative where the slot begins before the row.
template <typename T>
__device__ int slot_column(int slot, int shift) {
  return (slot * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * pack_size<T> - shift;
}

/// Columns at `column` of a row's first `count`; 0 beyond. Aligned in memory wherever it is whole.
template <typename T>
__device__ Pack<T, pack_size<T>> load_slot(const T* row, int column, int count) {
  constexpr int n = pack_size<T>;
  if (column >= 0 && column + n <= count) return load<n>(row + column);
  if (column >= count) return {};
  return load_some<n>(row, column, count);
}

template <typename T>
__device__ void store_slot(T* row, const Pack<T, pack_size<T>>& pack, int column, int count) {
  constexpr int n = pack_size<T>;
  if (column >= 0 && column + n <= count) {
    store(row + column, pack);
  } else if (column < count) {
    store_some(row, pack, column, count);
  }
}

/// The same of an array that belongs to the columns and is aligned as a row without shift.
template <typename T>
__device__ Pack<T, pack_size<T>> load_columns(const T* values, int column, int count) {
  if (column % pack_size<T> == 0) return load_slot(values, column, count);
  return load_some<pack_size<T>>(values, column, count);
}

struct Sum {
  static constexpr float identity = 0;
  static __device__ float of(float a, float b) { return a + b; }
};

struct Max {
  static constexpr float identity = -INFINITY;
  static __device__ float of(float a, float b) { return fmaxf(a, b); }
};

/// Reduces `Values` numbers of each thread over the threads of its row; all threads of the block call it and get the
/// result. Shared memory is taken in turns, so that one barrier a reduction is enough.
template <int Values>
class RowReduction {
 public:
  using Scratch = float[2][Values][32];

  __device__ explicit RowReduction(Scratch& scratch) : scratch_(scratch) {}

  template <typename Op>
  __device__ void run(float (&values)[Values]) {
    const int lanes = static_cast<int>(blockDim.x);
    for (int distance = lanes < 32 ? lanes / 2 : 16; distance > 0; distance /= 2) combine<Op>(values, distance);
    if (lanes <= 32) return;
    const int warps = lanes / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int first = static_cast<int>(threadIdx.y) * warps;
    if (lane == 0) {
#pragma unroll
      for (int v = 0; v < Values; ++v) scratch_[turn_][v][first + static_cast<int>(threadIdx.x) / 32] = values[v];
    }
    __syncthreads();
#pragma unroll
    for (int v = 0; v < Values; ++v) values[v] = lane < warps ? scratch_[turn_][v][first + lane] : Op::identity;
    for (int distance = 16; distance > 0; distance /= 2) {
      if (distance < warps) combine<Op>(values, distance);
    }
    // Lanes beyond the next power of two hold less: take the first's.
#pragma unroll
    for (int v = 0; v < Values; ++v) values[v] = __shfl_sync(0xffffffff, values[v], 0);
    turn_ = 1 - turn_;
  }

 private:
  template <typename Op>
  static __device__ void combine(float (&values)[Values], int distance) {
#pragma unroll
    for (int v = 0; v < Values; ++v) {
      values[v] = Op::of(values[v], __shfl_xor_sync(0xffffffff, values[v], distance));
    }
  }

  Scratch& scratch_;
  int turn_ = 0;
};

template <typename Op>
__device__ float reduce_row(RowReduction<1>& reduction, float value) {
  float values[1] = {value};
  reduction.run<Op>(values);
  return values[0];
}

}  // namespace gemmetry::backends::cuda
