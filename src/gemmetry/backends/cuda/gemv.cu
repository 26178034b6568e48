#include <algorithm>

#include "gemmetry/backends/cuda/activation_functions.h"
#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/gemv.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/measure/kernel_layout.h"

// c[m,n] = a[m,k] b[n,k]^T with few rows m: the time is that of reading b. A block takes a few of b's rows, its threads
// share k, and each asks for eight packs of b before it waits for the first, which with several blocks on each SM is
// more than the memory needs to be busy; where b is constant it asks for them before the kernel before it has ended, so
// that the memory is busy from kernel to kernel. Blocks are many and short, so that the SMs end together. Sums are
// added in the same order in every run.
//
// With a gate, half of a block's rows are the gate's and half are up's, of the same columns of c.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int most_threads = 256;
inline constexpr int packs_in_flight = 8;

enum class Function { none, gelu, gelu_erf, relu, silu };

template <typename T>
struct GemvArrays {
  const T* a;
  const T* b;
  const T* bias;
  const T* up;  ///< null: there is no gate
  const T* up_bias;
  const T* added;  ///< to c, lying as c does; may be c
  T* c;
  std::int64_t a_stride;
  std::int64_t b_stride;
  std::int64_t c_stride;
  std::int64_t n;
  std::int64_t k;
  int m;
  Function function;
  bool constant_b;
};

__device__ inline float apply(Function function, float x) {
  switch (function) {
    case Function::none:
      return x;
    case Function::gelu:
      return Gelu::value(x);
    case Function::gelu_erf:
      return GeluErf<float>::value(x);
    case Function::relu:
      return Relu::value(x);
    case Function::silu:
      return Silu::value(x);
  }
  return x;
}

/// Of an array that is read once and by nobody else on the SM.
template <int N, typename T>
__device__ Pack<T, N> load_once(const T* from) {
  if constexpr (N * sizeof(T) == 16) {
    uint4 words;
    asm volatile("ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words.x), "=r"(words.y), "=r"(words.z), "=r"(words.w)
                 : "l"(from));
    Pack<T, N> pack;
    __builtin_memcpy(&pack, &words, sizeof pack);
    return pack;
  } else {
    return load<N>(from);
  }
}

/// Halves of the values change sides between lanes, until each has one.
template <int Count, int Values>
__device__ void fold(float (&values)[Values]) {
  if constexpr (Count > 0) {
    constexpr int distance = 32 * Count / Values;
    const bool upper = (threadIdx.x & distance) != 0;
#pragma unroll
    for (int i = 0; i < Count; ++i) {
      const float kept = upper ? values[i + Count] : values[i];
      const float given = upper ? values[i] : values[i + Count];
      values[i] = kept + __shfl_xor_sync(0xffffffff, given, distance);
    }
    fold<Count / 2>(values);
  }
}

/// Sums of each of the values over the warp's lanes, with hardly more exchanges than values: lane l gets that of value
/// l / (32 / Values).
template <int Values>
__device__ float sum_over_warp(float (&values)[Values]) {
  fold<Values / 2>(values);
#pragma unroll
  for (int distance = 16 / Values; distance > 0; distance /= 2) {
    values[0] += __shfl_xor_sync(0xffffffff, values[0], distance);
  }
  return values[0];
}

/// `Rows` of b a block, at most `M` rows of a. Packs of N elements: 1 where they lie across 16 bytes.
template <typename T, int M, int Rows, int N, bool Gated>
__global__ void __launch_bounds__(most_threads, M <= 2 ? 4 : 2) gemv(const __grid_constant__ GemvArrays<T> arrays) {
  constexpr int unroll = packs_in_flight / Rows;
  constexpr int values = Rows * M;
  constexpr int columns = Gated ? Rows / 2 : Rows;
  __shared__ float warps[most_threads / 32][values];
  let_next_begin();
  const std::int64_t first = std::int64_t{blockIdx.x} * columns;
  const std::int64_t step = std::int64_t{blockDim.x} * N;
  const std::int64_t whole = arrays.k / N * N;
  const T* rows[Rows];
#pragma unroll
  for (int r = 0; r < Rows; ++r) {
    const T* const of = r < columns ? arrays.b : arrays.up;
    rows[r] = of + min(first + r % columns, arrays.n - 1) * arrays.b_stride;
  }

  Pack<T, N> b[unroll][Rows]{};
  const auto ask = [&](std::int64_t from) {
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      if (from + u * step >= whole) continue;
#pragma unroll
      for (int r = 0; r < Rows; ++r) b[u][r] = load_once<N>(rows[r] + from + u * step);
    }
  };
  if (!arrays.constant_b) wait_for_previous();
  ask(std::int64_t{threadIdx.x} * N);
  wait_for_previous();

  float sums[values]{};
  for (std::int64_t at = std::int64_t{threadIdx.x} * N; at < whole; at += unroll * step) {
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      if (at + u * step >= whole) continue;
#pragma unroll
      for (int i = 0; i < M; ++i) {
        if (i >= arrays.m) continue;
        const Pack<float, N> a = widen(load<N>(arrays.a + i * arrays.a_stride + at + u * step));
#pragma unroll
        for (int r = 0; r < Rows; ++r) {
#pragma unroll
          for (int e = 0; e < N; ++e) sums[r * M + i] += widen(b[u][r], e) * a[e];
        }
      }
    }
    ask(at + unroll * step);
  }
  if (whole + threadIdx.x < arrays.k) {  // k's last elements, less than a pack
    const std::int64_t at = whole + threadIdx.x;
#pragma unroll
    for (int i = 0; i < M; ++i) {
      if (i >= arrays.m) continue;
      const float a = widen(arrays.a[i * arrays.a_stride + at]);
#pragma unroll
      for (int r = 0; r < Rows; ++r) sums[r * M + i] += widen(rows[r][at]) * a;
    }
  }

  const float sum = sum_over_warp(sums);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (lane % (32 / values) == 0) warps[threadIdx.x / 32][lane / (32 / values)] = sum;
  __syncthreads();
  const int value = static_cast<int>(threadIdx.x);
  if (value >= columns * M) return;
  const std::int64_t column = first + value / M;
  const int row = value % M;
  if (column >= arrays.n || row >= arrays.m) return;
  const auto total_of = [&](int which, const T* bias) {
    float total = 0;
    for (int w = 0; w < static_cast<int>(blockDim.x) / 32; ++w) total += warps[w][which];
    return bias == nullptr ? total : total + widen(bias[column]);
  };
  float total = apply(arrays.function, total_of(value, arrays.bias));
  if constexpr (Gated) total *= total_of(value + columns * M, arrays.up_bias);
  const std::int64_t at = row * arrays.c_stride + column;
  if (arrays.added != nullptr) total += widen(arrays.added[at]);
  arrays.c[at] = narrow<T>(total);
}

template <typename T, int M, int Rows, int N, bool Gated>
Status run(const GemvArrays<T>& arrays, cudaStream_t stream) {
  constexpr int columns = Gated ? Rows / 2 : Rows;
  const std::int64_t blocks = (arrays.n + columns - 1) / columns;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "kernel product: n is too large for one launch");
  const std::int64_t lanes = std::clamp<std::int64_t>((arrays.k + N - 1) / N, 32, most_threads);
  const unsigned threads = static_cast<unsigned>((lanes + 31) / 32 * 32);
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(threads), stream);
  return launch_following(how, "multiply a matrix by few rows", gemv<T, M, Rows, N, Gated>, arrays);
}

template <typename T, int M, bool Gated>
Status run(const GemvArrays<T>& arrays, const Launch& on) {
  constexpr int n = pack_size<T>;
  const bool whole =
      whole_packs<T>({arrays.a_stride, arrays.b_stride}) && begin_aligned({arrays.a, arrays.b, arrays.up});
  const std::int64_t rows = Gated ? 2 * arrays.n : arrays.n;
  const bool many = rows >= std::int64_t{8} * on.sms;  // two blocks of four rows for each SM
  if (!whole) return run<T, M, 2, 1, Gated>(arrays, on.stream);
  if constexpr (M <= 2) {  // rows of one pack a thread: eight of them are in flight
    const bool is_short = arrays.k <= std::int64_t{most_threads} * n;
    if (is_short && rows >= std::int64_t{32} * on.sms) return run<T, M, 8, n, Gated>(arrays, on.stream);
  }
  return many ? run<T, M, 4, n, Gated>(arrays, on.stream) : run<T, M, 2, n, Gated>(arrays, on.stream);
}

template <bool Gated, typename T>
Status run(const GemvArrays<T>& arrays, const Launch& on) {
  if (arrays.m == 1) return run<T, 1, Gated>(arrays, on);
  if (arrays.m == 2) return run<T, 2, Gated>(arrays, on);
  return arrays.m <= 4 ? run<T, 4, Gated>(arrays, on) : run<T, 8, Gated>(arrays, on);
}

/// Of the product's a and b; what follows them depends on the kernel.
template <typename T>
GemvArrays<T> arrays_of(const measure::ProductKernel& product, const Launch& on) {
  const op::Gemm& g = product.gemm;
  GemvArrays<T> arrays{};
  arrays.a = on.array<const T>(0);
  arrays.b = on.array<const T>(1);
  arrays.bias = measure::reads_bias(product) ? on.array<const T>(2) : nullptr;
  arrays.a_stride = product.a_stride;
  arrays.b_stride = product.b_stride;
  arrays.c_stride = product.c_stride;
  arrays.n = g.n;
  arrays.k = g.k;
  arrays.m = static_cast<int>(g.m);
  arrays.constant_b = product.constant_b;
  return arrays;
}

template <typename T>
Status run(const measure::ProductKernel& product, const Launch& on) {
  GemvArrays<T> arrays = arrays_of<T>(product, on);
  const int next = measure::reads_bias(product) ? 3 : 2;
  arrays.c = on.array<T>(product.residual ? next + 1 : next);
  arrays.added = product.residual || product.accumulate ? on.array<const T>(next) : nullptr;
  arrays.function = measure::is_gelu(product) ? Function::gelu : Function::none;
  return run<false>(arrays, on);
}

Function function_of(const measure::ActivatedProductKernel& kernel) {
  switch (kernel.function) {
    case shape::Activation::gelu:
      return kernel.gelu == measure::Gelu::tanh ? Function::gelu : Function::gelu_erf;
    case shape::Activation::relu:
      return Function::relu;
    case shape::Activation::silu:
      return Function::silu;
  }
  return Function::none;
}

template <typename T>
Status run(const measure::ActivatedProductKernel& kernel, const Launch& on) {
  const bool biased = measure::reads_bias(kernel.product);
  const int next = biased ? 3 : 2;
  GemvArrays<T> arrays = arrays_of<T>(kernel.product, on);
  arrays.function = function_of(kernel);
  if (!kernel.gated) {
    arrays.c = on.array<T>(next);
    return run<false>(arrays, on);
  }
  arrays.up = on.array<const T>(next);
  arrays.up_bias = biased ? on.array<const T>(next + 1) : nullptr;
  arrays.c = on.array<T>(biased ? next + 2 : next + 1);
  return run<true>(arrays, on);
}

}  // namespace

bool gemv_takes(const measure::ProductKernel& product) {
  const op::Gemm& g = product.gemm;
  const bool type = g.dtype == shape::Dtype::bf16 || g.dtype == shape::Dtype::fp16 || g.dtype == shape::Dtype::fp32;
  return type && g.layout == op::Layout::nt && g.batch == 1 && g.m >= 1 && g.m <= gemv_most_rows && g.n >= 1 &&
         g.k >= 1 && g.epilogue != op::Epilogue::bias_gradient;
}

Status launch_gemv(const measure::ProductKernel& product, const Launch& on) noexcept {
  Status status;
  with_type(product.gemm.dtype, [&](auto zero) { status = run<decltype(zero)>(product, on); });
  return status;
}

Status launch(const measure::ActivatedProductKernel& kernel, const Launch& on) noexcept {
  const op::Gemm& g = kernel.product.gemm;
  if (g.m <= 0 || g.n <= 0) return {};
  Status status;
  with_type(g.dtype, [&](auto zero) { status = run<decltype(zero)>(kernel, on); });
  return status;
}

}  // namespace gemmetry::backends::cuda
