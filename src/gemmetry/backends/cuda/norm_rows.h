#pragma once

#include "gemmetry/backends/cuda/rows.h"
#include "gemmetry/measure/operands.h"

// LayerNorm (`layer`) and RMSNorm over rows, forward and backward.

namespace gemmetry::backends::cuda {

inline constexpr float norm_epsilon = static_cast<float>(measure::norm_epsilon);

/// y may be null: statistics alone. RMSNorm has neither bias nor mean.
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

/// One row a group of threads, in registers; the next one is loaded meanwhile. The variance is that of the differences
/// from the mean, in a second pass over the registers.
template <typename T, int Slots, bool layer>
__global__ void __launch_bounds__(row_threads, Slots == 4 ? 1 : 2) norm_forward(NormArrays<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.y;
  std::int64_t row = first + threadIdx.y;
  std::int64_t rounds = (a.rows - first + stride - 1) / stride;  // all rows of a block together: they share barriers
  const int shift = row_shift<T>(row, a.width);
  const float inverse = 1.0f / static_cast<float>(a.width);

  Pack<T, n> weight[Slots]{};
  Pack<T, layer ? n : 1> bias[Slots]{};
  if (a.y != nullptr) {
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      weight[s] = load_columns(a.weight, slot_column<T>(s, shift), a.width);
      if constexpr (layer) bias[s] = load_columns(a.bias, slot_column<T>(s, shift), a.width);
    }
  }
  Pack<T, n> next[Slots]{};
  if (row < a.rows) {
#pragma unroll
    for (int s = 0; s < Slots; ++s) next[s] = load_slot(a.x + row * a.width, slot_column<T>(s, shift), a.width);
  }

  for (; rounds > 0; --rounds, row += stride) {
    Pack<T, n> x[Slots];
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      x[s] = next[s];
      if (row + stride < a.rows) {
        next[s] = load_slot(a.x + (row + stride) * a.width, slot_column<T>(s, shift), a.width);
      }
    }
    float mean = 0;
    if constexpr (layer) {
      float sum = 0;
#pragma unroll
      for (int s = 0; s < Slots; ++s) {
#pragma unroll
        for (int i = 0; i < n; ++i) sum += widen(x[s], i);
      }
      mean = reduce_row<Sum>(reduction, sum) * inverse;
    }
    float squares = 0;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      const int column = slot_column<T>(s, shift);
#pragma unroll
      for (int i = 0; i < n; ++i) {
        const bool inside = !layer || (column + i >= 0 && column + i < a.width);  // what is outside is 0, not the mean
        const float difference = inside ? widen(x[s], i) - mean : 0.0f;
        squares += difference * difference;
      }
    }
    const float rstd = rsqrtf(reduce_row<Sum>(reduction, squares) * inverse + norm_epsilon);

    if (row >= a.rows) continue;
    if (threadIdx.x == 0) {
      if constexpr (layer) a.mean[row] = mean;
      a.rstd[row] = rstd;
    }
    if (a.y == nullptr) continue;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      keep_packed(x[s]);
      keep_packed(weight[s]);
      if constexpr (layer) keep_packed(bias[s]);
      Pack<float, n> y;
#pragma unroll
      for (int i = 0; i < n; ++i) {
        y[i] = (widen(x[s], i) - mean) * rstd * widen(weight[s], i);
        if constexpr (layer) y[i] += widen(bias[s], i);
      }
      store_slot(a.y + row * a.width, narrow<T>(y), slot_column<T>(s, shift), a.width);
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
    const float rstd = rsqrtf(reduce_row<Sum>(reduction, squares) * inverse + norm_epsilon);
    if (threadIdx.x == 0) {
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

/// With z = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - z mean(g z)), without mean(g) for RMSNorm; the
/// weight's gradient is the sum of dy z over the rows and the bias's that of dy. A thread sums those of its columns in
/// shared memory that no other thread touches until the end, which leaves the registers for the rows on their way.
template <typename T, int Slots, bool layer>
__global__ void __launch_bounds__(row_threads, Slots == 4 ? 1 : 2) norm_backward(NormGradients<T> a) {
  constexpr int n = pack_size<T>;
  constexpr int quads = n / 4;
  extern __shared__ float4 sums[];  // [weight, bias][slot][quad][thread]
  __shared__ RowReduction<2>::Scratch scratch;
  RowReduction<2> reduction(scratch);
  const int threads = static_cast<int>(blockDim.x * blockDim.y);
  const int thread = static_cast<int>(threadIdx.y * blockDim.x + threadIdx.x);
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.y;
  std::int64_t row = first + threadIdx.y;
  std::int64_t rounds = (a.rows - first + stride - 1) / stride;
  const int shift = row_shift<T>(row, a.width);
  const float inverse = 1.0f / static_cast<float>(a.width);

  for (int i = 0; i < (layer ? 2 : 1) * Slots * quads; ++i) sums[i * threads + thread] = make_float4(0, 0, 0, 0);
  Pack<T, n> weight[Slots];
#pragma unroll
  for (int s = 0; s < Slots; ++s) weight[s] = load_columns(a.weight, slot_column<T>(s, shift), a.width);

  struct Held {
    Pack<T, n> x[Slots];
    Pack<T, n> gradient[Slots];
    float mean;
    float rstd;
  };
  const auto fetch = [&](Held& held, std::int64_t from) {
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      held.x[s] = load_slot(a.x + from * a.width, slot_column<T>(s, shift), a.width);
      held.gradient[s] = load_slot(a.gradient + from * a.width, slot_column<T>(s, shift), a.width);
    }
    if constexpr (layer) held.mean = a.mean[from];
    held.rstd = a.rstd[from];
  };
  Held next{};
  if (row < a.rows) fetch(next, row);

  for (; rounds > 0; --rounds, row += stride) {
    Held now = next;
    if (row + stride < a.rows) fetch(next, row + stride);
    const bool inside = row < a.rows;
    const float mean = layer ? now.mean : 0.0f;
    const float rstd = now.rstd;
    float totals[2] = {0, 0};  // of g z and of g
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      keep_packed(weight[s]);
#pragma unroll
      for (int q = 0; q < quads; ++q) {
        float4 of_weight;
        float4 of_bias;
        float* const add_weight = &of_weight.x;
        float* const add_bias = &of_bias.x;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          // Beyond the row the gradient is 0, and so is all that is made of it.
          const float dy = widen(now.gradient[s], 4 * q + i);
          const float z = (widen(now.x[s], 4 * q + i) - mean) * rstd;
          const float g = dy * widen(weight[s], 4 * q + i);
          totals[0] += g * z;
          if constexpr (layer) totals[1] += g;
          add_weight[i] = dy * z;
          add_bias[i] = dy;
        }
        if (!inside) continue;
        float4& weight_sum = sums[(s * quads + q) * threads + thread];
        const float4 old = weight_sum;
        weight_sum = make_float4(old.x + of_weight.x, old.y + of_weight.y, old.z + of_weight.z, old.w + of_weight.w);
        if constexpr (layer) {
          float4& bias_sum = sums[((Slots + s) * quads + q) * threads + thread];
          const float4 before = bias_sum;
          bias_sum =
              make_float4(before.x + of_bias.x, before.y + of_bias.y, before.z + of_bias.z, before.w + of_bias.w);
        }
      }
    }
    reduction.template run<Sum>(totals);
    if (!inside) continue;
    const float gz = totals[0] * inverse;
    const float g_mean = layer ? totals[1] * inverse : 0.0f;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      keep_packed(now.x[s]);
      keep_packed(now.gradient[s]);
      keep_packed(weight[s]);
      Pack<float, n> dx;
#pragma unroll
      for (int i = 0; i < n; ++i) {
        const float z = (widen(now.x[s], i) - mean) * rstd;
        const float g = widen(now.gradient[s], i) * widen(weight[s], i);
        dx[i] = rstd * (g - g_mean - z * gz);
      }
      store_slot(a.x_gradient + row * a.width, narrow<T>(dx), slot_column<T>(s, shift), a.width);
    }
  }

  // The block's groups together, column by column: each group has its own shift.
  __syncthreads();
  const float* all = reinterpret_cast<const float*>(sums);
  const int lanes = static_cast<int>(blockDim.x);
  for (int which = 0; which < (layer ? 2 : 1); ++which) {
    for (int column = thread; column < a.width; column += threads) {
      float sum = 0;
      for (int group = 0; group < static_cast<int>(blockDim.y); ++group) {
        const int at = column + row_shift<T>(first + group, a.width);
        const int slot = at / n / lanes;
        const int owner = group * lanes + at / n % lanes;
        const int quad = at % n / 4;
        sum += all[(((which * Slots + slot) * quads + quad) * threads + owner) * 4 + at % 4];
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
