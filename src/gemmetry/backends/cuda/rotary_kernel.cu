#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/stream.h"

// Rotation in place, a thread the same elements of both halves of a head; and that of a decoded token's queries and
// keys together with the way of keys and values into the cache.

namespace gemmetry::backends::cuda {
namespace {

template <typename T, int N>
struct Halves {
  Pack<T, N> lower;
  Pack<T, N> upper;
};

/// Elements of both halves, rotated; `turn`: cosine and sine of each.
template <typename T, int N>
__device__ Halves<T, N> rotated(const Pack<T, N>& a, const Pack<T, N>& b, const float* turn, float sign) {
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
  return {narrow<T>(first), narrow<T>(second)};
}

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
    const Halves<T, N> now = rotated(load<N>(lower), load<N>(upper), turn, sign);
    store(lower, now.lower);
    store(upper, now.upper);
  }
};

/// Items of a token: pairs of packs of its queries' heads, the same of its keys' heads, packs of its keys beyond the
/// rotated ones, packs of its values.
template <typename T, int N>
struct RotaryAppendBody {
  const std::int32_t* positions;
  const std::int32_t* slots;
  const float* rotation;
  T* q;
  const T* k;
  const T* v;
  T* key_cache;
  T* value_cache;
  std::int64_t q_stride;
  std::int64_t k_stride;
  std::int64_t v_stride;
  std::int64_t head_dim;
  std::int64_t key_width;
  std::int64_t value_width;
  std::int64_t capacity;
  std::int64_t half;
  std::int64_t packs;        ///< of half of what is rotated of a head
  std::int64_t beyond;       ///< packs of what is not
  std::int64_t query_items;  ///< and those of each kind, one behind the other
  std::int64_t key_items;
  std::int64_t beyond_items;
  Divisor by_token;
  Divisor by_packs;
  Divisor by_beyond;

  __device__ void operator()(std::int64_t item) const {
    const std::int64_t token = by_token.quotient(item);
    const std::int64_t position = positions[token];
    const std::int64_t slot = slots[token];
    const float* turns = rotation + position * (2 * half);
    item = by_token.remainder(item);
    if (item < query_items) {
      const std::int64_t head = by_packs.quotient(item);
      const std::int64_t element = (item - head * packs) * N;
      T* lower = q + token * q_stride + head * head_dim + element;
      const Halves<T, N> now = rotated(load<N>(lower), load<N>(lower + half), turns + 2 * element, 1.0f);
      store(lower, now.lower);
      store(lower + half, now.upper);
      return;
    }
    const bool stays =
        slot >= 0 && position >= 0 && position < capacity;  // what follows is asked for before it is known
    const std::int64_t place = slot * capacity + position;
    T* const keys = key_cache + place * key_width;
    item -= query_items;
    if (item < key_items) {
      const std::int64_t head = by_packs.quotient(item);
      const std::int64_t element = (item - head * packs) * N;
      const std::int64_t at = head * head_dim + element;
      const T* from = k + token * k_stride + at;
      const Pack<T, N> lower = load<N>(from);
      const Pack<T, N> upper = load<N>(from + half);
      if (!stays) return;
      const Halves<T, N> now = rotated(lower, upper, turns + 2 * element, 1.0f);
      store(keys + at, now.lower);
      store(keys + at + half, now.upper);
      return;
    }
    item -= key_items;
    if (item < beyond_items) {
      const std::int64_t head = by_beyond.quotient(item);
      const std::int64_t at = head * head_dim + 2 * half + (item - head * beyond) * N;
      const Pack<T, N> pack = load<N>(k + token * k_stride + at);
      if (stays) store(keys + at, pack);
      return;
    }
    const std::int64_t at = (item - beyond_items) * N;
    const Pack<T, N> pack = load<N>(v + token * v_stride + at);
    if (stays) store(value_cache + place * value_width + at, pack);
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

template <typename T, int N>
Status run(const measure::RotaryAppendKernel& kernel, const Launch& on) {
  const op::Rotary& r = kernel.rotary;
  RotaryAppendBody<T, N> body{.by_token = Divisor(1), .by_packs = Divisor(1), .by_beyond = Divisor(1)};
  body.positions = on.array<const std::int32_t>(0);
  body.slots = on.array<const std::int32_t>(1);
  body.rotation = on.array<const float>(2);
  body.q = on.array<T>(3);
  body.k = on.array<const T>(4);
  body.v = on.array<const T>(5);
  body.key_cache = on.array<T>(6);
  body.value_cache = on.array<T>(7);
  body.q_stride = kernel.q_stride;
  body.k_stride = kernel.k_stride;
  body.v_stride = kernel.v_stride;
  body.head_dim = kernel.head_dim;
  body.key_width = kernel.kv_heads * kernel.head_dim;
  body.value_width = kernel.kv_heads * kernel.value_dim;
  body.capacity = kernel.capacity;
  body.half = r.dim / 2;
  body.packs = body.half / N;
  body.beyond = (kernel.head_dim - r.dim) / N;
  body.query_items = r.heads * body.packs;
  body.key_items = kernel.kv_heads * body.packs;
  body.beyond_items = kernel.kv_heads * body.beyond;
  const std::int64_t items = body.query_items + body.key_items + body.beyond_items + body.value_width / N;
  if (items == 0) return {};
  body.by_token = Divisor(items);
  if (body.packs > 0) body.by_packs = Divisor(body.packs);
  if (body.beyond > 0) body.by_beyond = Divisor(body.beyond);
  return each_item(body, r.tokens * items, on.stream, "rotary and append");
}

}  // namespace

Status launch(const measure::RotaryAppendKernel& kernel, const Launch& on) noexcept {
  const op::Rotary& r = kernel.rotary;
  if (r.tokens <= 0) return {};
  Status status;
  with_type(r.dtype, [&](auto zero) {
    using T = decltype(zero);
    const bool whole =
        whole_packs<T>(
            {r.dim / 2, kernel.head_dim, kernel.value_dim, kernel.q_stride, kernel.k_stride, kernel.v_stride}) &&
        begin_aligned({on.operands[2], on.operands[3], on.operands[4], on.operands[5], on.operands[6], on.operands[7]});
    status = whole ? run<T, pack_size<T>>(kernel, on) : run<T, 1>(kernel, on);
  });
  return status;
}

Status launch(const measure::RotaryKernel& kernel, const Launch& on) noexcept {
  const op::Rotary& r = kernel.rotary;
  if (r.tokens <= 0 || r.heads <= 0 || r.dim < 2) return {};
  Status status;
  with_type(r.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in_packs_of = [&](std::int64_t n) {
      return r.dim / 2 % n == 0 && kernel.head_dim % n == 0 && kernel.x_stride % n == 0;
    };
    const bool aligned = begin_aligned({on.operands[1], on.operands[2]});
    if (aligned && in_packs_of(pack_size<T>)) {
      status = run<T, pack_size<T>>(kernel, on);
    } else if (aligned && in_packs_of(4)) {
      status = run<T, 4>(kernel, on);
    } else {
      status = aligned && in_packs_of(2) ? run<T, 2>(kernel, on) : run<T, 1>(kernel, on);
    }
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
