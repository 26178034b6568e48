#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "gemmetry/backends/cuda/pack.h"

// Kernels that reduce rows keep each row in registers between the reduction and the result, so that it is read once.
// A row is seen as slots of one pack, aligned in memory: where the width is no multiple of a pack, its first slot
// begins `shift` elements before the row, at a multiple of two packs: memory is written in sectors of that size, and
// those that are written in pieces take several times as long. Lane l of the row's threads (threadIdx.x) holds slots l,
// l + lanes, ...; threadIdx.y counts the rows of a block. Blocks stay and go on with later rows, which are copied to
// shared memory ahead of time; grids keep each thread's shift the same from row to row, so that what belongs to columns
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
  return (width + (width % pack == 0 ? pack - 1 : 3 * pack - 2)) / pack;
}

/// `threads`: a block's, where several rows share it; `lanes_of_two`: threads a row up to which each takes two slots
/// rather than four; so do rows of more than `slots_of_two` that a warp can hold then, which need no barrier.
inline RowShape row_shape(std::int64_t width, int pack, int threads, int lanes_of_two = row_threads,
                          int most_lanes = row_threads, int slots_of_two = 128) {
  const std::int64_t slots = row_slots(width, pack);
  const bool warp_of_four = slots > slots_of_two && slots <= 128;
  const int each = slots <= 8 ? 1 : slots <= 2 * lanes_of_two && !warp_of_four ? 2 : 4;
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
  const std::int64_t sector = 2 * pack;
  if (width % pack == 0 || shape.groups % sector == 0) return static_cast<unsigned>(most);
  // Rows of a thread are a multiple of a sector apart: the same shift. More blocks than stay are no error.
  const std::int64_t step = std::max<std::int64_t>(sector / std::gcd(sector, std::int64_t{shape.groups}), 1);
  return static_cast<unsigned>(std::max<std::int64_t>(most / step * step, step));
}

/// Blocks of the kernel that the device holds at once.
template <typename Kernel>
std::int64_t resident_blocks(Kernel kernel, int threads, std::size_t shared_bytes, int sms) {
  int each = 0;
  if (cudaOccupancyMaxActiveBlocksPerMultiprocessor(&each, kernel, threads, shared_bytes) != cudaSuccess) each = 1;
  return std::int64_t{sms} * std::max(1, each);
}

/// Elements from where the first slot of row `row` begins to the row.
template <typename T>
__device__ int row_shift(std::int64_t row, std::int64_t width) {
  constexpr int n = pack_size<T>;
  if (width % n == 0) return 0;
  return static_cast<int>(row * width % (2 * n));
}

/// Column at which slot `slot` of this thread begins; negative where the slot begins before the row.
template <typename T>
__device__ int slot_column(int slot, int shift) {
  return (slot * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * pack_size<T> - shift;
}

/// Columns at `column` of an array that belongs to the columns and is aligned as a row without shift; 0 beyond.
template <typename T>
__device__ Pack<T, pack_size<T>> load_columns(const T* values, int column, int count) {
  constexpr int n = pack_size<T>;
  if (column % n == 0 && column >= 0 && column + n <= count) return load<n>(values + column);
  if (column >= count) return {};
  return load_some<n>(values, column, count);
}

/// Columns at `column` of a row's first `count`; 0 beyond. Aligned in memory wherever it is whole.
template <typename T>
__device__ Pack<T, pack_size<T>> load_slot(const T* row, int column, int count) {
  constexpr int n = pack_size<T>;
  if (column >= 0 && column + n <= count) return load<n>(row + column);
  if (column >= count) return {};
  return load_some<n>(row, column, count);
}

/// Sets to 0 what of the pack at `column` is before the row.
template <typename T, int N>
__device__ void clear_before(Pack<T, N>& pack, int column) {
  if (column >= 0) return;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (column + i < 0) pack.clear(i);
  }
}

/// `whole`: the slot is in the row or behind it.
template <bool whole = false, typename T>
__device__ void store_slot(T* row, const Pack<T, pack_size<T>>& pack, int column, int count) {
  constexpr int n = pack_size<T>;
  if (whole ? column < count : column >= 0 && column + n <= count) {
    store(row + column, pack);
  } else if (!whole && column < count) {
    store_some(row, pack, column, count);
  }
}

struct Sum {
  static __device__ float identity(int) { return 0; }
  template <int Values>
  static __device__ void add(float (&to)[Values], const float (&other)[Values]) {
#pragma unroll
    for (int v = 0; v < Values; ++v) to[v] += other[v];
  }
};

struct Max {
  static __device__ float identity(int) { return -INFINITY; }
  static __device__ void add(float (&to)[1], const float (&other)[1]) { to[0] = fmaxf(to[0], other[0]); }
};

/// The barrier of a row's threads, where they are whole warps.
__device__ inline void row_barrier() {
  asm volatile("bar.sync %0, %1;" ::"r"(threadIdx.y + 1), "r"(blockDim.x) : "memory");
}

/// Reduces `Values` numbers of each thread over the threads of its row; all of them call it and get the result. Shared
/// memory is taken in turns, so that one barrier a reduction is enough.
template <int Values>
class RowReduction {
 public:
  struct alignas(16) Scratch {
    float of[2][Values][32];
    __device__ auto& operator[](int turn) { return of[turn]; }
  };

  __device__ explicit RowReduction(Scratch& scratch) : scratch_(scratch) {}

  template <typename Op>
  __device__ void run(float (&values)[Values]) {
    run_in_warp<Op>(values);
    if (blockDim.x <= 32) return;
    float warps[Values][4];
    share(values);
    for (int first = 0; first < static_cast<int>(blockDim.x) / 32; first += 4) {
      take<Op>(first, warps);
#pragma unroll
      for (int w = 0; w < 4; ++w) {
        float other[Values];
#pragma unroll
        for (int v = 0; v < Values; ++v) other[v] = warps[v][w];
        if (first + w == 0) {
#pragma unroll
          for (int v = 0; v < Values; ++v) values[v] = other[v];
        } else {
          Op::add(values, other);
        }
      }
    }
    next_turn();
  }

  /// Over the row's threads of a warp.
  template <typename Op>
  static __device__ void run_in_warp(float (&values)[Values]) {
    if (blockDim.x >= 32) {
#pragma unroll
      for (int distance = 16; distance > 0; distance /= 2) step<Op>(values, distance);
    } else {
      for (int distance = static_cast<int>(blockDim.x) / 2; distance > 0; distance /= 2) step<Op>(values, distance);
    }
  }

  /// Shows the other warps of the row what each has in all of its threads; after that, take() and next_turn().
  __device__ void share(const float (&values)[Values]) {
    if (threadIdx.x % 32 == 0) {
#pragma unroll
      for (int v = 0; v < Values; ++v) scratch_[turn_][v][threadIdx.y * padded_warps() + threadIdx.x / 32] = values[v];
    }
    row_barrier();
  }

  /// Of the warps [first, first + 4); beyond the last, nothing.
  template <typename Op>
  __device__ void take(int first, float (&warps)[Values][4]) const {
    const int count = static_cast<int>(blockDim.x) / 32;
#pragma unroll
    for (int v = 0; v < Values; ++v) {
      const float4 four = *reinterpret_cast<const float4*>(&scratch_[turn_][v][threadIdx.y * padded_warps() + first]);
      warps[v][0] = four.x;
      warps[v][1] = first + 1 < count ? four.y : Op::identity(v);
      warps[v][2] = first + 2 < count ? four.z : Op::identity(v);
      warps[v][3] = first + 3 < count ? four.w : Op::identity(v);
    }
  }

  __device__ void next_turn() { turn_ = 1 - turn_; }

 private:
  static __device__ unsigned padded_warps() { return (blockDim.x / 32 + 3) / 4 * 4; }

  template <typename Op>
  static __device__ void step(float (&values)[Values], int distance) {
    float other[Values];
#pragma unroll
    for (int v = 0; v < Values; ++v) other[v] = __shfl_xor_sync(0xffffffff, values[v], distance);
    Op::add(values, other);
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
