#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// In place: (x, y), element i and i + dim/2 of a head, becomes (x c - y s, y c + x s), backward with -s. A thread does
// the same elements of several heads of a token, which share c and s.

namespace gemmetry::backends::cuda {
namespace {

inline constexpr int heads_per_thread = 4;
inline constexpr int threads = 256;

template <typename T>
struct RotaryArrays {
  const float* rotation;
  T* x;
  std::int64_t heads;
  std::int64_t dim;
  std::int64_t items;  ///< tokens, times groups of heads, times packs of half a head
  Divisor by_groups;
  Divisor by_packs;
  float sign;
};

template <typename T, int N>
__global__ void __launch_bounds__(threads) rotary_kernel(RotaryArrays<T> a) {
  const std::int64_t item = std::int64_t{blockIdx.x} * threads + threadIdx.x;
  if (item >= a.items) return;
  const std::int64_t groups_before = a.by_packs.quotient(item);
  const std::int64_t element = a.by_packs.remainder(item) * N;
  const std::int64_t token = a.by_groups.quotient(groups_before);
  const std::int64_t head = a.by_groups.remainder(groups_before) * heads_per_thread;
  const std::int64_t half = a.dim / 2;
  T* x = a.x + (token * a.heads + head) * a.dim + element;

  Pack<T, N> lower[heads_per_thread];
  Pack<T, N> upper[heads_per_thread];
#pragma unroll
  for (int h = 0; h < heads_per_thread; ++h) {
    if (head + h < a.heads) {
      lower[h] = load<N>(x + h * a.dim);
      upper[h] = load<N>(x + h * a.dim + half);
    }
  }

  // c and s of an element side by side.
  const float* rotation = a.rotation + token % measure::embedding_positions * a.dim + 2 * element;
  Pack<float, 2 * N> turn;
  if constexpr (N == 1) {  // of odd dims the pair is not aligned
    turn[0] = rotation[0];
    turn[1] = rotation[1];
  } else {
    turn = load<2 * N>(rotation);
  }

#pragma unroll
  for (int h = 0; h < heads_per_thread; ++h) {
    if (head + h >= a.heads) break;
    Pack<float, N> low = widen(lower[h]);
    Pack<float, N> high = widen(upper[h]);
#pragma unroll
    for (int i = 0; i < N; ++i) {
      const float c = turn[2 * i];
      const float s = a.sign * turn[2 * i + 1];
      const float first = low[i];
      const float second = high[i];
      low[i] = first * c - second * s;
      high[i] = second * c + first * s;
    }
    store(x + h * a.dim, narrow<T>(low));
    store(x + h * a.dim + half, narrow<T>(high));
  }
}

template <typename T, int N>
Status run(const op::Rotary& r, const Launch& on) {
  const std::int64_t groups = (r.heads + heads_per_thread - 1) / heads_per_thread;
  const std::int64_t packs = r.dim / 2 / N;
  const std::int64_t items = r.tokens * groups * packs;
  const std::int64_t blocks = (items + threads - 1) / threads;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "rotary: too many elements for one launch");
  const RotaryArrays<T> arrays{
      on.array<const float>(0), on.array<T>(1),           r.heads, r.dim, items, Divisor(groups),
      Divisor(packs),           r.backward ? -1.0f : 1.0f};
  rotary_kernel<T, N><<<static_cast<unsigned>(blocks), threads, 0, on.stream>>>(arrays);
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
