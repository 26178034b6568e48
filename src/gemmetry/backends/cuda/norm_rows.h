#pragma once

#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/row_ring.h"
#include "gemmetry/measure/operands.h"

// LayerNorm (`layer`) and RMSNorm over rows, forward and backward.

namespace gemmetry::backends::cuda {

/// The most of a backward kernel's block: rows that two slots of so many threads hold.
inline constexpr int most_backward_threads = 768;

inline constexpr float norm_epsilon = static_cast<float>(measure::norm_epsilon);

/// y may be null: statistics alone; so may the statistics. RMSNorm has neither bias nor mean.
template <typename T>
struct NormArrays {
  const T* x;
  const T* weight;
  const T* bias;
  T* y;
  float* mean;
  float* rstd;
  std::int64_t rows;
  int width;
  float epsilon = norm_epsilon;
};

template <typename T>
struct NormGradients {
  const T* x;
  const T* weight;
  const T* gradient;  ///< of y
  const float* mean;
  const float* rstd;
  T* x_gradient;
  float* partial;  ///< of each block: its sums of the weight's gradient, then of the bias's: [width] each
  std::int64_t rows;
  int width;
};

/// Mean of a row, and the sum of the squares around it.
struct Moments {
  float mean;
  float squares;
};

/// Each warp takes its own mean and the squares around that, then they are put together (Chan et al. 1979): one
/// barrier, and no difference of large numbers. `sum` is a thread's, `count` its warp's.
template <typename SquaresAround>
__device__ Moments row_moments(RowReduction<3>& reduction, float sum, float count, float inverse,
                               const SquaresAround& squares_around) {
  float sums[1] = {sum};
  RowReduction<1>::run_in_warp<Sum>(sums);
  const float warp_mean = count == 0 ? 0.0f : __fdividef(sums[0], count);
  float squares[1] = {squares_around(warp_mean)};
  RowReduction<1>::run_in_warp<Sum>(squares);
  if (blockDim.x <= 32) return {warp_mean, squares[0]};

  reduction.share({sums[0], squares[0], count});
  const int warps = static_cast<int>(blockDim.x) / 32;
  float of[3][4];
  Moments all{0, 0};
  for (int first = 0; first < warps; first += 4) {
    reduction.template take<Sum>(first, of);
    all.mean += (of[0][0] + of[0][1]) + (of[0][2] + of[0][3]);
  }
  all.mean *= inverse;
  for (int first = 0; first < warps; first += 4) {
    if (warps > 4) reduction.template take<Sum>(first, of);
#pragma unroll
    for (int w = 0; w < 4; ++w) {
      const float distance = of[2][w] == 0 ? 0.0f : __fdividef(of[0][w], of[2][w]) - all.mean;
      all.squares += of[1][w] + of[2][w] * distance * distance;
    }
  }
  reduction.next_turn();
  return all;
}

/// Of a forward kernel's block, where several rows share it: always where a thread has less than four slots.
inline constexpr int forward_threads = 256;
/// LayerNorm's widest rows in blocks of up to so many: with weight and bias in shared memory, two share an SM.
inline constexpr int shared_columns_threads = 384;

/// One row a group of threads, in registers, while the next ones are on their way.
/// `whole`: the width is a multiple of a pack.
template <typename T, int Slots, bool layer, bool whole, int Threads>
__global__ void __launch_bounds__(Threads, Slots == 4 && Threads == row_threads ? 1 : 2)
    norm_forward(NormArrays<T> a, int depth) {
  constexpr int n = pack_size<T>;
  constexpr bool in_shared = Threads == shared_columns_threads;
  using Reduction = RowReduction<layer ? 3 : 1>;
  extern __shared__ uint4 shared[];
  __shared__ typename Reduction::Scratch scratch;
  Reduction reduction(scratch);
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.y;
  std::int64_t row = first + threadIdx.y;
  std::int64_t rounds = (a.rows - first + stride - 1) / stride;  // all rows of a block together: some share a warp
  const int shift = whole ? 0 : row_shift<T>(row, a.width);
  const int threads = static_cast<int>(blockDim.x * blockDim.y);
  Pack<T, n>* columns = reinterpret_cast<Pack<T, n>*>(shared) + threadIdx.y * blockDim.x + threadIdx.x;
  RowRing<T, Slots, 1> ring(shared + (in_shared ? 2 * Slots * threads : 0), depth, shift, a.width);
  const float inverse = 1.0f / static_cast<float>(a.width);

  const T* next = a.x + row * a.width;
  std::int64_t next_row = row;
  const auto copy = [&] {
    if (next_row < a.rows) ring.copy(0, next);
    ring.commit();
    next_row += stride;
    next += stride * a.width;
  };
  for (int i = 0; i < depth; ++i) copy();

  float count[1] = {0};  // of the warp's elements
  Pack<T, n> weight[in_shared ? 1 : Slots]{};
  Pack<T, layer ? n : 1> bias[in_shared ? 1 : Slots]{};
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, shift);
    count[0] += static_cast<float>(max(0, min(column + n, a.width) - max(column, 0)));
    if (a.y == nullptr) continue;
    if constexpr (in_shared) {
      columns[2 * s * threads] = load_columns(a.weight, column, a.width);
      columns[(2 * s + 1) * threads] = load_columns(a.bias, column, a.width);
    } else {
      weight[s] = load_columns(a.weight, column, a.width);
      if constexpr (layer) bias[s] = load_columns(a.bias, column, a.width);
    }
  }
  if constexpr (layer) RowReduction<1>::run_in_warp<Sum>(count);

  for (; rounds > 0; --rounds, row += stride) {
    Pack<T, n> x[Slots];
    ring.wait();
    ring.take(0, x);
    copy();
    if constexpr (!whole) clear_before(x[0], slot_column<T>(0, shift));

    float mean = 0;
    float squares = 0;
    if constexpr (layer) {
      float sum = 0;
#pragma unroll
      for (int s = 0; s < Slots; ++s) {
#pragma unroll
        for (int i = 0; i < n; ++i) sum += widen(x[s], i);
        if constexpr (Slots == 4) keep_packed(x[s]);
      }
      const Moments moments = row_moments(reduction, sum, count[0], inverse, [&](float centre) {
        float around = 0;
#pragma unroll
        for (int s = 0; s < Slots; ++s) {
          const int column = slot_column<T>(s, shift);
          if (column >= a.width) continue;
#pragma unroll
          for (int i = 0; i < n; ++i) {
            float distance = widen(x[s], i) - centre;
            if (!whole && (column + i < 0 || column + i >= a.width)) distance = 0;
            around += distance * distance;
          }
          if constexpr (in_shared) keep_packed(x[s]);
        }
        return around;
      });
      mean = moments.mean;
      squares = moments.squares;
    } else {
#pragma unroll
      for (int s = 0; s < Slots; ++s) {
#pragma unroll
        for (int i = 0; i < n; ++i) squares += widen(x[s], i) * widen(x[s], i);
      }
      squares = reduce_row<Sum>(reduction, squares);
    }
    const float rstd = rsqrtf(squares * inverse + a.epsilon);

    if (row >= a.rows) continue;
    if (threadIdx.x == 0 && a.rstd != nullptr) {
      if constexpr (layer) a.mean[row] = mean;
      a.rstd[row] = rstd;
    }
    if (a.y == nullptr) continue;
    const float offset = mean * rstd;
    T* y_row = a.y + row * a.width;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      const int k = in_shared ? 0 : s;
      if constexpr (in_shared) {
        weight[k] = columns[2 * s * threads];
        bias[k] = columns[(2 * s + 1) * threads];
      }
      keep_packed(x[s]);
      keep_packed(weight[k]);
      if constexpr (layer) keep_packed(bias[k]);
      Pack<float, n> y;
#pragma unroll
      for (int i = 0; i < n; ++i) {
        y[i] = (layer ? widen(x[s], i) * rstd - offset : widen(x[s], i) * rstd) * widen(weight[k], i);
        if constexpr (layer) y[i] += widen(bias[k], i);
      }
      store_slot<whole>(y_row, narrow<T>(y), slot_column<T>(s, shift), a.width);
    }
  }
}

/// A block a row of any width, read again for each step; for rows that registers do not hold.
template <typename T, bool layer>
__global__ void __launch_bounds__(row_threads) norm_forward_wide(NormArrays<T> a) {
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const float inverse = 1.0f / static_cast<float>(a.width);
  for (std::int64_t row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const T* x = a.x + row * a.width;
    float mean = 0;
    if constexpr (layer) {
      float sum = 0;
#pragma unroll 8
      for (int column = threadIdx.x; column < a.width; column += row_threads) sum += widen(x[column]);
      mean = reduce_row<Sum>(reduction, sum) * inverse;
    }
    float squares = 0;
#pragma unroll 8
    for (int column = threadIdx.x; column < a.width; column += row_threads) {
      const float difference = widen(x[column]) - mean;
      squares += difference * difference;
    }
    const float rstd = rsqrtf(reduce_row<Sum>(reduction, squares) * inverse + a.epsilon);
    if (threadIdx.x == 0 && a.rstd != nullptr) {
      if constexpr (layer) a.mean[row] = mean;
      a.rstd[row] = rstd;
    }
    if (a.y == nullptr) continue;
#pragma unroll 4
    for (int column = threadIdx.x; column < a.width; column += row_threads) {
      float y = (widen(x[column]) - mean) * rstd * widen(a.weight[column]);
      if constexpr (layer) y += widen(a.bias[column]);
      a.y[row * a.width + column] = narrow<T>(y);
    }
  }
}

/// LayerNorm's widest rows keep the sums of the bias's gradient in shared memory: registers are short.
template <bool layer, int Threads>
inline constexpr bool bias_sums_in_shared = (Threads > row_threads) && layer;

/// With z = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - z mean(g z)), without mean(g) for RMSNorm; the
/// weight's gradient is the sum of dy z over the rows and the bias's that of dy. A thread keeps those of its columns;
/// there is a block an SM, whose groups put theirs together at the end.
template <typename T, int Slots, bool layer, bool whole, int Threads>
__global__ void __launch_bounds__(Threads, 1) norm_backward(NormGradients<T> a, int depth) {
  constexpr int n = pack_size<T>;
  constexpr int quads = n / 4;
  constexpr bool again = Slots == 4 || Threads > row_threads;  // z and g are made again: registers are short
  constexpr bool bias_in_shared = bias_sums_in_shared<layer, Threads>;
  extern __shared__ uint4 shared[];
  __shared__ RowReduction<2>::Scratch scratch;
  RowReduction<2> reduction(scratch);
  const int threads = static_cast<int>(blockDim.x * blockDim.y);
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  float4* bias_sums_shared = reinterpret_cast<float4*>(shared);  // [slot][quad][thread], each thread its own
  uint4* behind = shared + (bias_in_shared ? Slots * quads * threads : 0);
  Pack<T, n>* weights = reinterpret_cast<Pack<T, n>*>(behind) + thread;  // registers are short: [slot][thread]
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.y;
  std::int64_t row = first + threadIdx.y;
  std::int64_t rounds = (a.rows - first + stride - 1) / stride;
  const int shift = whole ? 0 : row_shift<T>(row, a.width);
  RowRing<T, Slots, 2> ring(behind + Slots * threads, depth, shift, a.width);
  const float inverse = 1.0f / static_cast<float>(a.width);

  const T* next_x = a.x + row * a.width;
  const T* next_gradient = a.gradient + row * a.width;
  std::int64_t next_row = row;
  const auto copy = [&] {
    if (next_row < a.rows) {
      ring.copy(0, next_x);
      ring.copy(1, next_gradient);
    }
    ring.commit();
    next_row += stride;
    next_x += stride * a.width;
    next_gradient += stride * a.width;
  };
  for (int i = 0; i < depth; ++i) copy();

#pragma unroll
  for (int s = 0; s < Slots; ++s) weights[s * threads] = load_columns(a.weight, slot_column<T>(s, shift), a.width);
  float next_mean = layer && row < a.rows ? a.mean[row] : 0.0f;
  float next_rstd = row < a.rows ? a.rstd[row] : 0.0f;
  float weight_sums[Slots][n]{};
  float bias_sums[layer && !bias_in_shared ? Slots : 1][n]{};
  if constexpr (bias_in_shared) {
#pragma unroll
    for (int q = 0; q < Slots * quads; ++q) bias_sums_shared[q * threads + thread] = make_float4(0, 0, 0, 0);
  }

  for (; rounds > 0; --rounds, row += stride) {
    const float mean = next_mean;
    const float rstd = next_rstd;
    if (row + stride < a.rows) {
      if constexpr (layer) next_mean = a.mean[row + stride];
      next_rstd = a.rstd[row + stride];
    }
    Pack<T, n> x[Slots];
    Pack<T, n> gradient[Slots];
    ring.wait();
    ring.take(0, x);
    ring.take(1, gradient);
    copy();

    float totals[2] = {0, 0};  // of g z and of g
    Pack<float, n> z[Slots];
    Pack<float, n> g[Slots];
    const float offset = mean * rstd;
    if constexpr (!whole) {
      clear_before(x[0], slot_column<T>(0, shift));
      clear_before(gradient[0], slot_column<T>(0, shift));
    }
    if (row < a.rows) {
#pragma unroll
      for (int s = 0; s < Slots; ++s) {
        const Pack<T, n> weight = weights[s * threads];
#pragma unroll
        for (int i = 0; i < n; ++i) {
          // Beyond the row the gradient is 0, and so is all that is made of it.
          const float dy = widen(gradient[s], i);
          z[s][i] = layer ? widen(x[s], i) * rstd - offset : widen(x[s], i) * rstd;
          g[s][i] = dy * widen(weight, i);
          totals[0] += g[s][i] * z[s][i];
          weight_sums[s][i] += dy * z[s][i];
          if constexpr (layer) totals[1] += g[s][i];
          if constexpr (layer && !bias_in_shared) bias_sums[s][i] += dy;
        }
        if constexpr (again) keep_packed(x[s]);
        if constexpr (again) keep_packed(gradient[s]);
      }
    }
    reduction.template run<Sum>(totals);
    if (row >= a.rows) continue;
    const float of_z = totals[0] * inverse * rstd;
    const float of_one = layer ? totals[1] * inverse * rstd : 0.0f;
    const float x_share = rstd * of_z;
    const float rest = layer ? offset * of_z - of_one : 0.0f;
    T* dx_row = a.x_gradient + row * a.width;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      Pack<float, n> dx;
      if constexpr (again) {
        const Pack<T, n> weight = weights[s * threads];
#pragma unroll
        for (int i = 0; i < n; ++i) {
          const float around = widen(gradient[s], i) * widen(weight, i) * rstd + rest;
          dx[i] = around - widen(x[s], i) * x_share;
        }
      } else {
#pragma unroll
        for (int i = 0; i < n; ++i) dx[i] = g[s][i] * rstd - of_one - z[s][i] * of_z;
      }
      if constexpr (bias_in_shared) {
#pragma unroll
        for (int q = 0; q < quads; ++q) {
          float4& sum = bias_sums_shared[(s * quads + q) * threads + thread];
          sum = make_float4(sum.x + widen(gradient[s], 4 * q), sum.y + widen(gradient[s], 4 * q + 1),
                            sum.z + widen(gradient[s], 4 * q + 2), sum.w + widen(gradient[s], 4 * q + 3));
        }
      }
      store_slot<whole>(dx_row, narrow<T>(dx), slot_column<T>(s, shift), a.width);
    }
  }
  let_next_begin();

  // The block's groups together, column by column: each group has its own shift.
  float4* sums = reinterpret_cast<float4*>(behind);  // [slot][quad][thread]
  const int lanes = static_cast<int>(blockDim.x);
#pragma unroll
  for (int which = 0; which < (layer ? 2 : 1); ++which) {
    const bool there = bias_in_shared && which == 1;  // as they are wanted, and since the barrier before
    const float* all = reinterpret_cast<const float*>(there ? bias_sums_shared : sums);
    if (!there) {
      __syncthreads();
#pragma unroll
      for (int s = 0; s < Slots; ++s) {
#pragma unroll
        for (int q = 0; q < quads; ++q) {
          const float* own = which == 0 ? &weight_sums[s][4 * q] : &bias_sums[layer && !bias_in_shared ? s : 0][4 * q];
          sums[(s * quads + q) * threads + thread] = make_float4(own[0], own[1], own[2], own[3]);
        }
      }
      __syncthreads();
    }
    for (int column = thread; column < a.width; column += threads) {
      const int slot = column / n / lanes;
      const int lane = column / n % lanes;
      float sum = 0;
      int group_shift = whole ? 0 : row_shift<T>(first, a.width);
      for (int group = 0; group < static_cast<int>(blockDim.y); ++group) {
        const int at = column % n + group_shift;
        int owner_slot = slot;
        int owner = lane + at / n;
        for (; owner >= lanes; owner -= lanes) ++owner_slot;
        sum += all[((owner_slot * quads + at % n / 4) * threads + group * lanes + owner) * 4 + at % 4];
        if constexpr (!whole) group_shift = (group_shift + a.width) % (2 * n);
      }
      a.partial[(std::int64_t{blockIdx.x} * (layer ? 2 : 1) + which) * a.width + column] = sum;
    }
  }
}

/// The same for rows of any width: read twice, a column's sums kept in the workspace by the one thread that has it.
template <typename T, bool layer>
__global__ void __launch_bounds__(row_threads) norm_backward_wide(NormGradients<T> a) {
  __shared__ RowReduction<2>::Scratch scratch;
  RowReduction<2> reduction(scratch);
  const float inverse = 1.0f / static_cast<float>(a.width);
  float* weight_sums = a.partial + std::int64_t{blockIdx.x} * (layer ? 2 : 1) * a.width;
  float* bias_sums = weight_sums + a.width;
  for (std::int64_t row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const T* x = a.x + row * a.width;
    const T* gradient = a.gradient + row * a.width;
    const float mean = layer ? a.mean[row] : 0.0f;
    const float rstd = a.rstd[row];
    float totals[2] = {0, 0};
#pragma unroll 4
    for (int column = threadIdx.x; column < a.width; column += row_threads) {
      const float g = widen(gradient[column]) * widen(a.weight[column]);
      totals[0] += g * (widen(x[column]) - mean) * rstd;
      totals[1] += g;
    }
    reduction.template run<Sum>(totals);
    const float gz = totals[0] * inverse;
    const float g_mean = layer ? totals[1] * inverse : 0.0f;
    const bool begins = row == blockIdx.x;
#pragma unroll 2
    for (int column = threadIdx.x; column < a.width; column += row_threads) {
      const float dy = widen(gradient[column]);
      const float z = (widen(x[column]) - mean) * rstd;
      a.x_gradient[row * a.width + column] = narrow<T>(rstd * (dy * widen(a.weight[column]) - g_mean - z * gz));
      weight_sums[column] = (begins ? 0.0f : weight_sums[column]) + dy * z;
      if constexpr (layer) bias_sums[column] = (begins ? 0.0f : bias_sums[column]) + dy;
    }
  }
}

inline constexpr int sum_columns = 32;
inline constexpr int sum_rows = 16;

/// The blocks' sums to the gradients; blockIdx.y: the weight's, the bias's.
template <typename T>
__global__ void __launch_bounds__(sum_columns* sum_rows)
    norm_sum(const float* partial, int blocks, int width, T* weight_gradient, T* bias_gradient) {
  __shared__ float sums[sum_rows][sum_columns];
  const int column = static_cast<int>(blockIdx.x) * sum_columns + static_cast<int>(threadIdx.x);
  float sum = 0;
  wait_for_previous();
  if (column < width) {
#pragma unroll 8
    for (int block = threadIdx.y; block < blocks; block += sum_rows) {
      sum += partial[(std::int64_t{block} * gridDim.y + blockIdx.y) * width + column];
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= width) return;
  float total = 0;
#pragma unroll
  for (int i = 0; i < sum_rows; ++i) total += sums[i][threadIdx.x];
  (blockIdx.y == 0 ? weight_gradient : bias_gradient)[column] = narrow<T>(total);
}

}  // namespace gemmetry::backends::cuda
