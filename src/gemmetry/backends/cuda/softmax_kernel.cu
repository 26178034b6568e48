#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/rows.h"
#include "gemmetry/backends/cuda/stream.h"

// Softmax of rows of scores under a causal mask and a window. What a query does not see is not read.

namespace gemmetry::backends::cuda {
namespace {

template <typename T>
struct MaskedRows {
  const T* x;
  T* y;
  std::int64_t rows;
  int columns;
  int queries;
  int window;
  bool causal;
  float scale;  ///< times log2 e
  Divisor by_queries;

  __device__ int end(std::int64_t row) const {
    if (!causal) return columns;
    return max(0, min(columns, columns - queries + 1 + static_cast<int>(by_queries.remainder(row))));
  }
  __device__ int first(int end) const { return window > 0 ? max(0, end - window) : 0; }
};

/// A row a group of threads (threadIdx.y), in registers.
template <typename T, int Slots>
__global__ void __launch_bounds__(row_threads) softmax_in_registers(MaskedRows<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const bool inside = row < a.rows;
  const int end = inside ? a.end(row) : 0;
  const int first = a.first(end);
  const T* x = a.x + row * a.columns;

  Pack<float, n> values[Slots];
  float most = -INFINITY;
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, 0);
    Pack<T, n> pack{};
    const bool seen = column < end && column + n > first;
    if (seen) pack = load<n>(x + column);
#pragma unroll
    for (int i = 0; i < n; ++i) {
      values[s][i] = column + i >= first && column + i < end ? widen(pack, i) * a.scale : -INFINITY;
      most = fmaxf(most, values[s][i]);
    }
  }
  most = reduce_row<Max>(reduction, most);
  if (most == -INFINITY) most = 0;  // of a row that sees nothing
  float sum = 0;
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
#pragma unroll
    for (int i = 0; i < n; ++i) {
      values[s][i] = exp2_fast(values[s][i] - most);
      sum += values[s][i];
    }
  }
  sum = reduce_row<Sum>(reduction, sum);
  if (!inside) return;
  const float share = sum > 0 ? 1 / sum : 0;
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, 0);
    if (column >= a.columns) continue;
#pragma unroll
    for (int i = 0; i < n; ++i) values[s][i] *= share;
    store(a.y + row * a.columns + column, narrow<T>(values[s]));
  }
}

/// A row a block, read again for each step.
template <typename T>
__global__ void __launch_bounds__(row_threads) softmax_of_any_row(MaskedRows<T> a) {
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  const std::int64_t row = blockIdx.x;
  const int end = a.end(row);
  const int first = a.first(end);
  const int step = static_cast<int>(blockDim.x);
  const T* x = a.x + row * a.columns;
  float most = -INFINITY;
#pragma unroll 8
  for (int column = first + static_cast<int>(threadIdx.x); column < end; column += step) {
    most = fmaxf(most, widen(x[column]) * a.scale);
  }
  most = reduce_row<Max>(reduction, most);
  float sum = 0;
#pragma unroll 8
  for (int column = first + static_cast<int>(threadIdx.x); column < end; column += step) {
    sum += exp2_fast(widen(x[column]) * a.scale - most);
  }
  sum = reduce_row<Sum>(reduction, sum);
  const float share = sum > 0 ? 1 / sum : 0;
  for (int column = threadIdx.x; column < a.columns; column += step) {
    const bool seen = column >= first && column < end;
    a.y[row * a.columns + column] = narrow<T>(seen ? exp2_fast(widen(x[column]) * a.scale - most) * share : 0.0f);
  }
}

template <typename T, int Slots>
Status run(const MaskedRows<T>& a, const RowShape& shape, cudaStream_t stream) {
  const std::int64_t blocks = (a.rows + shape.groups - 1) / shape.groups;
  softmax_in_registers<T, Slots><<<static_cast<unsigned>(blocks), dim3(shape.lanes, shape.groups), 0, stream>>>(a);
  return check(cudaGetLastError(), "softmax");
}

template <typename T>
Status run(const measure::SoftmaxKernel& kernel, const Launch& on) {
  const op::Softmax& s = kernel.softmax;
  const MaskedRows<T> a{on.array<const T>(0),
                        on.array<T>(1),
                        s.rows,
                        static_cast<int>(s.columns),
                        static_cast<int>(kernel.queries),
                        static_cast<int>(std::min(kernel.window, s.columns)),
                        kernel.causal,
                        kernel.scale * log2_e,
                        Divisor(kernel.queries)};
  const bool whole = whole_packs<T>({s.columns}) && begin_aligned({a.x, a.y});
  const RowShape shape = row_shape(s.columns, pack_size<T>, 256);
  if (whole && shape.slots == 1) return run<T, 1>(a, shape, on.stream);
  if (whole && shape.slots == 2) return run<T, 2>(a, shape, on.stream);
  if (whole && shape.slots == 4) return run<T, 4>(a, shape, on.stream);
  const unsigned threads = s.columns < row_threads ? static_cast<unsigned>((s.columns + 31) / 32 * 32) : row_threads;
  softmax_of_any_row<T><<<static_cast<unsigned>(s.rows), threads, 0, on.stream>>>(a);
  return check(cudaGetLastError(), "softmax");
}

}  // namespace

Status launch(const measure::SoftmaxKernel& kernel, const Launch& on) noexcept {
  const op::Softmax& s = kernel.softmax;
  if (s.rows <= 0 || s.columns <= 0) return {};
  if (s.rows > 0x7fffffff || s.columns > (1 << 30) || kernel.queries > (1 << 30))
    return failure(StatusCode::unsupported, "kernel softmax: %lld rows of %lld columns are too many for one launch",
                   static_cast<long long>(s.rows), static_cast<long long>(s.columns));
  Status status;
  with_type(s.dtype, [&](auto zero) { status = run<decltype(zero)>(kernel, on); });
  return status;
}

}  // namespace gemmetry::backends::cuda
