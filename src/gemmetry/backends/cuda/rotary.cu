#include <algorithm>

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/pack.h"
#include "gemmetry/measure/operands.h"

// In place: (x, y), element i and i + dim/2 of a head, becomes (x c - y s, y c + x s), backward with -s. Threads lie as
// the elements do, so that whole lines are moved whatever dim/2 is; the two halves of a head meet in shared memory. A
// thread does the same elements of several heads of a token, which share c and s.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int unroll = 4;
inline constexpr int most_threads = 256;

template <typename T>
struct RotaryArrays {
  const float* rotation;
  T* x;
  std::int64_t tokens;
  std::int64_t heads;
  std::int64_t dim;
  float sign;
};

/// threadIdx.x: packs of both halves' share of blockIdx.y, the lower half's first; y: heads; z: tokens.
template <typename T, int N>
__global__ void __launch_bounds__(most_threads) rotary_kernel(RotaryArrays<T> a) {
  __shared__ Pack<T, N> shared[unroll][most_threads];
  const int share = static_cast<int>(blockDim.x) / 2;
  const bool upper = static_cast<int>(threadIdx.x) >= share;
  const int thread = static_cast<int>((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
  const int partner = upper ? thread - share : thread + share;
  const std::int64_t half = a.dim / 2;
  const std::int64_t element = (std::int64_t{blockIdx.y} * share + threadIdx.x - (upper ? share : 0)) * N;
  const std::int64_t token = std::int64_t{blockIdx.x} * blockDim.z + threadIdx.z;
  const bool inside = token < a.tokens && element < half;
  T* x = a.x + token * a.heads * a.dim + element + (upper ? half : 0);

  // c and s of an element side by side.
  Pack<float, 2 * N> turn{};
  if (inside) {
    const float* rotation = a.rotation + token % measure::embedding_positions * a.dim + 2 * element;
    if constexpr (N == 1) {  // of odd dims the pair is not aligned
      turn[0] = rotation[0];
      turn[1] = rotation[1];
    } else {
      turn = load<2 * N>(rotation);
    }
  }
  const float sign = upper ? a.sign : -a.sign;

  for (std::int64_t first = threadIdx.y; first - threadIdx.y < a.heads; first += unroll * blockDim.y) {
    Pack<T, N> own[unroll]{};
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      const std::int64_t head = first + u * blockDim.y;
      if (inside && head < a.heads) own[u] = load<N>(x + head * a.dim);
    }
#pragma unroll
    for (int u = 0; u < unroll; ++u) shared[u][thread] = own[u];
    __syncthreads();
#pragma unroll
    for (int u = 0; u < unroll; ++u) {
      const std::int64_t head = first + u * blockDim.y;
      if (!inside || head >= a.heads) break;
      const Pack<T, N> other = shared[u][partner];
      Pack<float, N> turned;
#pragma unroll
      for (int i = 0; i < N; ++i) {
        turned[i] = widen(own[u], i) * turn[2 * i] + widen(other, i) * (sign * turn[2 * i + 1]);
      }
      store(x + head * a.dim, narrow<T>(turned));
    }
    __syncthreads();
  }
}

template <typename T, int N>
Status run(const op::Rotary& r, const Launch& on) {
  const std::int64_t packs = r.dim / 2 / N;
  const std::int64_t share = std::min<std::int64_t>(packs, most_threads / 4);
  const std::int64_t most_heads = std::max<std::int64_t>(most_threads / (2 * share), 1);
  const std::int64_t heads = std::min((r.heads + unroll - 1) / unroll, most_heads);
  const std::int64_t tokens = std::clamp<std::int64_t>(most_threads / (2 * share * heads), 1, 64);
  const std::int64_t blocks = (r.tokens + tokens - 1) / tokens;
  const std::int64_t shares = (packs + share - 1) / share;
  if (blocks > 0x7fffffff || shares > 0xffff)
    return failure(StatusCode::unsupported, "rotary: too many elements for one launch");
  const RotaryArrays<T> arrays{on.array<const float>(0), on.array<T>(1), r.tokens, r.heads, r.dim,
                               r.backward ? -1.0f : 1.0f};
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(shares));
  const dim3 threads(static_cast<unsigned>(2 * share), static_cast<unsigned>(heads), static_cast<unsigned>(tokens));
  rotary_kernel<T, N><<<grid, threads, 0, on.stream>>>(arrays);
  return check(cudaGetLastError(), "rotary");
}

}  // namespace

Status launch(const op::Rotary& r, const Launch& on) noexcept {
  if (r.tokens <= 0 || r.heads <= 0 || r.dim < 2) return {};
  Status status;
  with_type(r.dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int n = pack_size<T>;
    if (r.dim % (2 * n) == 0) {
      status = run<T, n>(r, on);
    } else if (r.dim % 8 == 0) {
      status = run<T, 4>(r, on);
    } else if (r.dim % 4 == 0) {
      status = run<T, 2>(r, on);
    } else {
      status = run<T, 1>(r, on);
    }
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
