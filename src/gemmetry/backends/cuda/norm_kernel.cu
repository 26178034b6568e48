#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/rows.h"

// Norms of parts of rows that lie apart. A part is held in registers between its sums and its result, so that it may be
// written over itself; parts that registers do not hold or that lie across packs are read again for each step.

namespace gemmetry::backends::cuda {
namespace {

template <typename T>
struct PlacedNorm {
  const T* x;
  const T* weight;
  const T* bias;
  T* y;
  std::int64_t parts;
  std::int64_t groups;
  std::int64_t x_stride;
  std::int64_t y_stride;
  int width;
  float epsilon;
  bool constant_weights;

  __device__ const T* from(std::int64_t part) const { return x + part / groups * x_stride + part % groups * width; }
  __device__ T* to(std::int64_t part) const { return y + part / groups * y_stride + part % groups * width; }
};

/// A part a group of threads (threadIdx.y).
template <typename T, int Slots, bool layer>
__global__ void __launch_bounds__(row_threads) norm_in_registers(PlacedNorm<T> a) {
  constexpr int n = pack_size<T>;
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  let_next_begin();
  const std::int64_t part = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  const bool inside = part < a.parts;  // the others take part in the reductions
  const float inverse = 1.0f / static_cast<float>(a.width);
  const T* from = a.from(inside ? part : 0);

  Pack<T, n> x[Slots]{};
  Pack<T, n> weight[Slots]{};
  Pack<T, n> bias[layer ? Slots : 1]{};
  if (!a.constant_weights) wait_for_previous();
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, 0);
    if (!inside || column >= a.width) continue;
    weight[s] = load<n>(a.weight + column);
    if constexpr (layer) bias[s] = load<n>(a.bias + column);
  }
  wait_for_previous();
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, 0);
    if (inside && column < a.width) x[s] = load<n>(from + column);
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
    if (slot_column<T>(s, 0) >= a.width) continue;
#pragma unroll
    for (int i = 0; i < n; ++i) {
      const float distance = widen(x[s], i) - mean;
      squares += distance * distance;
    }
  }
  const float rstd = rsqrtf(reduce_row<Sum>(reduction, squares) * inverse + a.epsilon);
  if (!inside) return;
  T* to = a.to(part);
#pragma unroll
  for (int s = 0; s < Slots; ++s) {
    const int column = slot_column<T>(s, 0);
    if (column >= a.width) continue;
    Pack<float, n> y;
#pragma unroll
    for (int i = 0; i < n; ++i) {
      y[i] = (widen(x[s], i) - mean) * rstd * widen(weight[s], i);
      if constexpr (layer) y[i] += widen(bias[s], i);
    }
    store(to + column, narrow<T>(y));
  }
}

/// A part a block.
template <typename T, bool layer>
__global__ void __launch_bounds__(row_threads) norm_of_any_part(PlacedNorm<T> a) {
  __shared__ RowReduction<1>::Scratch scratch;
  RowReduction<1> reduction(scratch);
  let_next_begin();
  wait_for_previous();
  const float inverse = 1.0f / static_cast<float>(a.width);
  const T* x = a.from(blockIdx.x);
  T* y = a.to(blockIdx.x);
  const int step = static_cast<int>(blockDim.x);
  float mean = 0;
  if constexpr (layer) {
    float sum = 0;
#pragma unroll 8
    for (int column = threadIdx.x; column < a.width; column += step) sum += widen(x[column]);
    mean = reduce_row<Sum>(reduction, sum) * inverse;
  }
  float squares = 0;
#pragma unroll 8
  for (int column = threadIdx.x; column < a.width; column += step) {
    const float distance = widen(x[column]) - mean;
    squares += distance * distance;
  }
  const float rstd = rsqrtf(reduce_row<Sum>(reduction, squares) * inverse + a.epsilon);
  for (int column = threadIdx.x; column < a.width; column += step) {
    float value = (widen(x[column]) - mean) * rstd * widen(a.weight[column]);
    if constexpr (layer) value += widen(a.bias[column]);
    y[column] = narrow<T>(value);
  }
}

/// Until so many, a norm is a short kernel.
inline constexpr std::int64_t few_parts = 256;

template <typename T, int Slots, bool layer>
Status run(const PlacedNorm<T>& a, const RowShape& shape, cudaStream_t stream) {
  const std::int64_t blocks = (a.parts + shape.groups - 1) / shape.groups;
  const Cut cut = a.parts < few_parts ? Cut::same : Cut::any;
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(shape.lanes, shape.groups), stream, cut);
  return launch_following(how, "norm", norm_in_registers<T, Slots, layer>, a);
}

template <typename T, bool layer>
Status run(const measure::NormKernel& kernel, const Launch& on) {
  const op::Norm& n = kernel.norm;
  const PlacedNorm<T> a{on.array<const T>(0),
                        on.array<const T>(1),
                        layer ? on.array<const T>(2) : nullptr,
                        on.array<T>(layer ? 3 : 2),
                        n.rows * kernel.groups,
                        kernel.groups,
                        kernel.x_stride,
                        kernel.y_stride,
                        static_cast<int>(n.width),
                        kernel.epsilon,
                        kernel.constant_weights};
  if (a.parts > 0x7fffffff) return failure(StatusCode::unsupported, "kernel norm: too many rows for one launch");
  const bool whole =
      whole_packs<T>({n.width, kernel.x_stride, kernel.y_stride}) && begin_aligned({a.x, a.weight, a.bias, a.y});
  const bool dense = kernel.groups == 1 && kernel.x_stride == n.width && kernel.y_stride == n.width;
  const bool many = n.rows >= std::int64_t{16} * on.sms;  // so that rows can be fetched ahead
  if (whole && dense && many) return launch_dense(kernel, on);
  const RowShape shape = row_shape(n.width, pack_size<T>, 256);
  if (whole && shape.slots == 1) return run<T, 1, layer>(a, shape, on.stream);
  if (whole && shape.slots == 2) return run<T, 2, layer>(a, shape, on.stream);
  if (whole && shape.slots == 4) return run<T, 4, layer>(a, shape, on.stream);
  const unsigned threads = n.width < row_threads ? static_cast<unsigned>((n.width + 31) / 32 * 32) : row_threads;
  const Following how(dim3(static_cast<unsigned>(a.parts)), dim3(threads), on.stream);
  return launch_following(how, "norm", norm_of_any_part<T, layer>, a);
}

}  // namespace

Status launch(const measure::NormKernel& kernel, const Launch& on) noexcept {
  if (kernel.norm.rows <= 0) return {};
  if (kernel.norm.width > (1 << 30))
    return failure(StatusCode::unsupported, "kernel norm: width %lld is more than 2^30",
                   static_cast<long long>(kernel.norm.width));
  Status status;
  with_type(kernel.norm.dtype, [&](auto zero) {
    using T = decltype(zero);
    const bool layer = kernel.norm.norm == shape::NormKind::layer_norm;
    status = layer ? run<T, true>(kernel, on) : run<T, false>(kernel, on);
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
