#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/rows.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// y = softmax(scale x) over a row's visible columns, 0 elsewhere, and dx = scale y (dy - sum(y dy)). Rows are held in
// registers while the next ones are on their way; rows too wide for that are read twice. Columns that are not visible
// are not read.

namespace gemmetry::backends::cuda {
namespace {

template <typename T>
struct SoftmaxArrays {
  const T* x;         ///< backward: y
  const T* gradient;  ///< backward only
  T* out;
  std::int64_t rows;
  int columns;
  bool causal;  ///< row r sees r modulo columns + 1 of the columns
  float scale;
  Divisor by_columns;
};

template <typename T>
__device__ int visible(const SoftmaxArrays<T>& a, std::int64_t row) {
  return a.causal ? static_cast<int>(a.by_columns.remainder(row)) + 1 : a.columns;
}

template <typename T, int Slots>
struct Row {
  Pack<T, pack_size<T>> slots[Slots];

  __device__ void load(const T* array, std::int64_t row, std::int64_t columns, int count) {
    const int shift = row_shift<T>(row, columns);
#pragma unroll
    for (int s = 0; s < Slots; ++s) slots[s] = load_slot(array + row * columns, slot_column<T>(s, shift), count);
  }
};

template <typename T, int Slots>
__global__ void __launch_bounds__(Slots == 4 ? wide_row_threads : row_threads, Slots == 4 ? 1 : 2)
    softmax_forward(SoftmaxArrays<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  // All rows of a block go on together: they share barriers.
  std::int64_t rounds = (a.rows - std::int64_t{blockIdx.x} * blockDim.y + stride - 1) / stride;
  const float scale = a.scale * log2_e;

  Row<T, Slots> next{};
  if (row < a.rows) next.load(a.x, row, a.columns, visible(a, row));
  int next_count = visible(a, row);
  for (; rounds > 0; --rounds, row += stride) {
    const Row<T, Slots> x = next;
    const int count = next_count;
    if (row + stride < a.rows) {
      next_count = visible(a, row + stride);
      next.load(a.x, row + stride, a.columns, next_count);
    }
    const int shift = row_shift<T>(row, a.columns);

    float most = -INFINITY;
    Pack<float, n> values[Slots];
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      values[s] = widen(x.slots[s]);
      const int column = slot_column<T>(s, shift);
      if (column >= count) continue;
      if (column < 0 || column + n > count) {
#pragma unroll
        for (int i = 0; i < n; ++i) {
          if (column + i < 0 || column + i >= count) values[s][i] = -INFINITY;
        }
      }
#pragma unroll
      for (int i = 0; i < n; ++i) most = fmaxf(most, values[s][i]);
    }
    most = reduce_row<Max>(reduction, most) * scale;

    float sum = 0;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {  // what is not visible was loaded as 0 and stays that
      if (slot_column<T>(s, shift) >= count) continue;
#pragma unroll
      for (int i = 0; i < n; ++i) {
        values[s][i] = exp2_fast(values[s][i] * scale - most);
        sum += values[s][i];
      }
    }
    const float share = 1 / reduce_row<Sum>(reduction, sum);

    if (row >= a.rows) continue;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
#pragma unroll
      for (int i = 0; i < n; ++i) values[s][i] *= share;
      store_slot(a.out + row * a.columns, narrow<T>(values[s]), slot_column<T>(s, shift), a.columns);
    }
  }
}

template <typename T, int Slots>
__global__ void __launch_bounds__(Slots == 4 ? wide_row_threads : row_threads, Slots == 4 ? 1 : 2)
    softmax_backward(SoftmaxArrays<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.y;
  std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  std::int64_t rounds = (a.rows - std::int64_t{blockIdx.x} * blockDim.y + stride - 1) / stride;

  Row<T, Slots> next_y{};
  Row<T, Slots> next_gradient{};
  if (row < a.rows) {
    next_y.load(a.x, row, a.columns, a.columns);
    next_gradient.load(a.gradient, row, a.columns, a.columns);
  }
  for (; rounds > 0; --rounds, row += stride) {
    const Row<T, Slots> y = next_y;
    const Row<T, Slots> gradient = next_gradient;
    if (row + stride < a.rows) {
      next_y.load(a.x, row + stride, a.columns, a.columns);
      next_gradient.load(a.gradient, row + stride, a.columns, a.columns);
    }
    float sum = 0;
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
#pragma unroll
      for (int i = 0; i < n; ++i) sum += widen(y.slots[s], i) * widen(gradient.slots[s], i);
    }
    sum = reduce_row<Sum>(reduction, sum);

    if (row >= a.rows) continue;
    const int shift = row_shift<T>(row, a.columns);
#pragma unroll
    for (int s = 0; s < Slots; ++s) {
      Pack<float, n> out;
#pragma unroll
      for (int i = 0; i < n; ++i) {
        out[i] = a.scale * widen(y.slots[s], i) * (widen(gradient.slots[s], i) - sum);
      }
      store_slot(a.out + row * a.columns, narrow<T>(out), slot_column<T>(s, shift), a.columns);
    }
  }
}

/// A block a row of any width, read twice.
template <typename T, bool backward>
__global__ void __launch_bounds__(row_threads) softmax_wide(SoftmaxArrays<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const int step = row_threads * n;
  for (std::int64_t row = blockIdx.x; row < a.rows; row += gridDim.x) {
    const int begin = static_cast<int>(threadIdx.x) * n - row_shift<T>(row, a.columns);
    const int count = backward ? a.columns : visible(a, row);
    const T* x = a.x + row * a.columns;
    const T* gradient = a.gradient + row * a.columns;
    const float scale = a.scale * log2_e;
    float most = -INFINITY;
    float sum = 0;
#pragma unroll 2
    for (int column = begin; column < count; column += step) {
      if (column + n <= 0) continue;
      const Pack<float, n> v = widen(load_slot(x, column, count));
      if constexpr (backward) {
        const Pack<float, n> g = widen(load_slot(gradient, column, count));
#pragma unroll
        for (int i = 0; i < n; ++i) sum += v[i] * g[i];
      } else {
        float above = most;
#pragma unroll
        for (int i = 0; i < n; ++i) {
          if (column + i >= 0 && column + i < count) above = fmaxf(above, v[i]);
        }
        sum *= exp2_fast((most - above) * scale);
        most = above;
#pragma unroll
        for (int i = 0; i < n; ++i) {
          if (column + i >= 0 && column + i < count) sum += exp2_fast((v[i] - most) * scale);
        }
      }
    }
    if constexpr (!backward) {
      const float above = reduce_row<Max>(reduction, most);
      sum = most == -INFINITY ? 0 : sum * exp2_fast((most - above) * scale);
      most = above;
    }
    sum = reduce_row<Sum>(reduction, sum);

#pragma unroll 2
    for (int column = begin; column < a.columns; column += step) {
      Pack<float, n> v = widen(load_slot(x, column, count));
      if constexpr (backward) {
        const Pack<float, n> g = widen(load_slot(gradient, column, count));
#pragma unroll
        for (int i = 0; i < n; ++i) v[i] = a.scale * v[i] * (g[i] - sum);
      } else {
#pragma unroll
        for (int i = 0; i < n; ++i) {
          v[i] = column + i < count ? exp2_fast((v[i] - most) * scale) * (1 / sum) : 0.0f;
        }
      }
      store_slot(a.out + row * a.columns, narrow<T>(v), column, a.columns);
    }
  }
}

template <typename T, int Slots>
Status run(const SoftmaxArrays<T>& a, bool backward, const RowShape& shape, const Launch& on) {
  const auto kernel = backward ? softmax_backward<T, Slots> : softmax_forward<T, Slots>;
  const std::int64_t most = resident_blocks(kernel, shape.threads(), 0, on.sms);
  const unsigned blocks = row_grid(shape, a.rows, pack_size<T>, pack_size<T>, most);
  kernel<<<blocks, dim3(shape.lanes, shape.groups), 0, on.stream>>>(a);
  return check(cudaGetLastError(), "softmax");
}

template <typename T>
Status run(const op::Softmax& s, const Launch& on) {
  if (s.columns > 0x7fffffff - 2 * row_threads * pack_size<T>)
    return failure(StatusCode::unsupported, "softmax: rows of %lld columns are too wide", (long long)s.columns);
  const bool causal = measure::softmax_visible(s, 0) < s.columns;
  const SoftmaxArrays<T> arrays{on.array<const T>(0),
                                s.backward ? on.array<const T>(1) : nullptr,
                                on.array<T>(s.backward ? 2 : 1),
                                s.rows,
                                static_cast<int>(s.columns),
                                causal,
                                s.masked ? measure::softmax_scale : 1.0f,
                                Divisor(s.columns)};
  const RowShape shape = row_shape(s.columns, pack_size<T>, 256, 256, wide_row_threads);
  if (shape.slots == 1) return run<T, 1>(arrays, s.backward, shape, on);
  if (shape.slots == 2) return run<T, 2>(arrays, s.backward, shape, on);
  if (shape.slots == 4) return run<T, 4>(arrays, s.backward, shape, on);
  const auto kernel = s.backward ? softmax_wide<T, true> : softmax_wide<T, false>;
  kernel<<<static_cast<unsigned>(std::min<std::int64_t>(s.rows, on.sms * 4)), row_threads, 0, on.stream>>>(arrays);
  return check(cudaGetLastError(), "softmax");
}

}  // namespace

Status launch(const op::Softmax& s, const Launch& on) noexcept {
  if (s.rows <= 0 || s.columns <= 0) return {};
  Status status;
  with_type(s.dtype, [&](auto zero) { status = run<decltype(zero)>(s, on); });
  return status;
}

}  // namespace gemmetry::backends::cuda
