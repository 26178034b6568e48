#include <algorithm>

#include "gemmetry/backends/cuda/activation_functions.h"
#include "gemmetry/backends/cuda/gemv.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/measure/kernel_layout.h"

// c[m,n] = a[m,k] b[n,k]^T with few rows m: the time is that of reading b. A block takes a few of b's rows, its threads
// share k, and each asks for eight packs of b before it waits for the first, which with several blocks on each SM is
// more than the memory needs to be busy. Blocks are many and short, so that the SMs end together. Sums are added in the
// same order in every run.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int most_threads = 256;
inline constexpr int packs_in_flight = 8;

template <typename T>
struct GemvArrays {
  const T* a;
  const T* b;
  const T* bias;
  T* c;
  std::int64_t a_stride;
  std::int64_t b_stride;
  std::int64_t c_stride;
  std::int64_t n;
  std::int64_t k;
  int m;
  bool gelu;
  bool accumulate;
};

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
template <typename T, int M, int Rows, int N>
__global__ void __launch_bounds__(most_threads) gemv(const __grid_constant__ GemvArrays<T> arrays) {
  constexpr int unroll = packs_in_flight / Rows;
  constexpr int values = Rows * M;
  __shared__ float warps[most_threads / 32][values];
  const std::int64_t first = std::int64_t{blockIdx.x} * Rows;
  const std::int64_t step = std::int64_t{blockDim.x} * N;
  const std::int64_t whole = arrays.k / N * N;
  const T* rows[Rows];
#pragma unroll
  for (int r = 0; r < Rows; ++r) rows[r] = arrays.b + min(first + r, arrays.n - 1) * arrays.b_stride;

  float sums[values]{};
  for (std::int64_t at = std::int64_t{threadIdx.x} * N; at < whole; at += unroll * step) {
    Pack<T, N> b[unroll][Rows]{};
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      if (at + u * step >= whole) continue;
#pragma unroll
      for (int r = 0; r < Rows; ++r) b[u][r] = load_once<N>(rows[r] + at + u * step);
    }
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
  if (value >= values) return;
  const std::int64_t column = first + value / M;
  const int row = value % M;
  if (column >= arrays.n || row >= arrays.m) return;
  float total = 0;
  for (int w = 0; w < static_cast<int>(blockDim.x) / 32; ++w) total += warps[w][value];
  if (arrays.bias != nullptr) total += widen(arrays.bias[column]);
  if (arrays.gelu) total = Gelu::value(total);
  T* c = arrays.c + row * arrays.c_stride + column;
  if (arrays.accumulate) total += widen(*c);
  *c = narrow<T>(total);
}

template <typename T, int M, int Rows, int N>
Status run(const GemvArrays<T>& arrays, cudaStream_t stream) {
  const std::int64_t blocks = (arrays.n + Rows - 1) / Rows;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "kernel product: n is too large for one launch");
  const std::int64_t lanes = std::clamp<std::int64_t>((arrays.k + N - 1) / N, 32, most_threads);
  const unsigned threads = static_cast<unsigned>((lanes + 31) / 32 * 32);
  gemv<T, M, Rows, N><<<static_cast<unsigned>(blocks), threads, 0, stream>>>(arrays);
  return check(cudaGetLastError(), "multiply a matrix by few rows");
}

template <typename T, int M>
Status run(const GemvArrays<T>& arrays, const Launch& on) {
  constexpr int n = pack_size<T>;
  const bool whole = whole_packs<T>({arrays.a_stride, arrays.b_stride}) && begin_aligned({arrays.a, arrays.b});
  const bool many = arrays.n >= std::int64_t{8} * on.sms;  // two blocks of four rows for each SM
  if (!whole) return run<T, M, 2, 1>(arrays, on.stream);
  return many ? run<T, M, 4, n>(arrays, on.stream) : run<T, M, 2, n>(arrays, on.stream);
}

template <typename T>
Status run(const measure::ProductKernel& product, const Launch& on) {
  const op::Gemm& g = product.gemm;
  const bool biased = measure::reads_bias(product);
  const GemvArrays<T> arrays{on.array<const T>(0),
                             on.array<const T>(1),
                             biased ? on.array<const T>(2) : nullptr,
                             on.array<T>(biased ? 3 : 2),
                             product.a_stride,
                             product.b_stride,
                             product.c_stride,
                             g.n,
                             g.k,
                             static_cast<int>(g.m),
                             measure::is_gelu(product),
                             product.accumulate};
  if (g.m == 1) return run<T, 1>(arrays, on);
  if (g.m == 2) return run<T, 2>(arrays, on);
  return g.m <= 4 ? run<T, 4>(arrays, on) : run<T, 8>(arrays, on);
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

}  // namespace gemmetry::backends::cuda
