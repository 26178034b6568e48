#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/stream.h"

// Rotation in place, a thread the same elements of both halves of a head.

namespace gemmetry::backends::cuda {
namespace {

template <typename T, int N>
struct RotaryBody {
  const std::int32_t* positions;
  const float* rotation;
  T* x;
  std::int64_t stride;
  std::int64_t head_dim;
  std::int64_t half;
  Divisor by_packs;  ///< of half a head
  Divisor by_heads;
  std::int64_t packs;
  std::int64_t heads;
  float sign;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);  // of all heads of all tokens
    const std::int64_t element = (item - row * packs) * N;
    const std::int64_t token = by_heads.quotient(row);
    T* lower = x + token * stride + (row - token * heads) * head_dim + element;
    T* upper = lower + half;
    const float* turn = rotation + positions[token] * (2 * half) + 2 * element;
    const Pack<T, N> a = load<N>(lower);
    const Pack<T, N> b = load<N>(upper);
    Pack<float, N> first;
    Pack<float, N> second;
    if constexpr (N == 1) {
      first[0] = widen(a, 0) * turn[0] - widen(b, 0) * (sign * turn[1]);
      second[0] = widen(b, 0) * turn[0] + widen(a, 0) * (sign * turn[1]);
    } else {
      const Pack<float, 2 * N> both = load<2 * N>(turn);
#pragma unroll
      for (int i = 0; i < N; ++i) {
        const float sine = sign * both[2 * i + 1];
        first[i] = widen(a, i) * both[2 * i] - widen(b, i) * sine;
        second[i] = widen(b, i) * both[2 * i] + widen(a, i) * sine;
      }
    }
    store(lower, narrow<T>(first));
    store(upper, narrow<T>(second));
  }
};

template <typename T, int N>
Status run(const measure::RotaryKernel& kernel, const Launch& on) {
  const op::Rotary& r = kernel.rotary;
  const std::int64_t half = r.dim / 2;
  const std::int64_t packs = half / N;
  const RotaryBody<T, N> body{on.array<const std::int32_t>(0),
                              on.array<const float>(1),
                              on.array<T>(2),
                              kernel.x_stride,
                              kernel.head_dim,
                              half,
                              Divisor(packs),
                              Divisor(r.heads),
                              packs,
                              r.heads,
                              r.backward ? -1.0f : 1.0f};
  return each_item(body, r.tokens * r.heads * packs, on.stream, "rotary");
}

}  // namespace

Status launch(const measure::RotaryKernel& kernel, const Launch& on) noexcept {
  const op::Rotary& r = kernel.rotary;
  if (r.tokens <= 0 || r.heads <= 0 || r.dim < 2) return {};
  Status status;
  with_type(r.dtype, [&](auto zero) {
    using T = decltype(zero);
    const bool whole = whole_packs<T>({r.dim / 2, kernel.head_dim, kernel.x_stride}) &&
                       begin_aligned({on.operands[1], on.operands[2]});
    status = whole ? run<T, pack_size<T>>(kernel, on) : run<T, 1>(kernel, on);
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
