#include <algorithm>

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// y = table[token] (+ position table[i modulo positions]). Backward: a token's gradient is added to its table row
// atomically, a pack in one instruction where the device can; a position's are summed over the tokens that took it,
// which are known, without atomics.

namespace gemmetry::backends::cuda {
namespace {

using Token = std::int32_t;

template <typename T, int N, bool positions>
struct Lookup {
  static constexpr int size = N;
  struct Inputs {
    Pack<T, N> row;
    Pack<T, positions ? N : 1> position;
  };

  const Token* tokens;
  const T* table;
  const T* position_table;
  T* y;
  std::int64_t elements;
  std::int64_t width;
  Divisor by_width;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    Inputs loaded{};
    if (!whole && at >= elements) return loaded;
    const std::int64_t token = by_width.quotient(at);
    const std::int64_t column = at - token * width;
    loaded.row = cuda::load<N>(table + tokens[token] * width + column);
    if constexpr (positions) {
      loaded.position = cuda::load<N>(position_table + token % measure::embedding_positions * width + column);
    }
    return loaded;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& loaded) const {
    if (!whole && at >= elements) return;
    if constexpr (positions) {
      Pack<float, N> sum = widen(loaded.row);
      const Pack<float, N> position = widen(loaded.position);
#pragma unroll
      for (int i = 0; i < N; ++i) sum[i] += position[i];
      store(y + at, narrow<T>(sum));
    } else {
      store(y + at, loaded.row);
    }
  }
};

__device__ void add_two(float* to, const Pack<float, 2>& v) {
  atomicAdd(to, v[0]);
  atomicAdd(to + 1, v[1]);
}
__device__ void add_two(__nv_bfloat16* to, const Pack<__nv_bfloat16, 2>& v) {
  atomicAdd(reinterpret_cast<__nv_bfloat162*>(to), __nv_bfloat162(v[0], v[1]));
}
__device__ void add_two(__half* to, const Pack<__half, 2>& v) {
  atomicAdd(reinterpret_cast<__half2*>(to), __half2(v[0], v[1]));
}

/// Adds 16 bytes: in one instruction from Hopper on, two elements a time before.
template <typename T, int N>
__device__ void add(T* to, const Pack<T, N>& v) {
#if __CUDA_ARCH__ >= 900
  std::uint32_t w[4];
  static_assert(sizeof w == sizeof v);
  __builtin_memcpy(w, &v, sizeof w);
  if constexpr (std::is_same_v<T, float>) {
    asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(v[0]), "f"(v[1]), "f"(v[2]), "f"(v[3])
                 : "memory");
  } else if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    asm volatile("red.global.add.noftz.v4.bf16x2 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]),
                 "r"(w[3])
                 : "memory");
  } else {
    asm volatile("red.global.add.noftz.v4.f16x2 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(w[0]), "r"(w[1]), "r"(w[2]),
                 "r"(w[3])
                 : "memory");
  }
#else
#pragma unroll
  for (int i = 0; i < N; i += 2) {
    Pack<T, 2> two{};
    two.set(0, v[i]);
    two.set(1, v[i + 1]);
    add_two(to + i, two);
  }
#endif
}

/// Rows that are whole packs.
template <typename T>
struct Scatter {
  static constexpr int size = pack_size<T>;

  const Token* tokens;
  const T* gradient;
  T* table;
  std::int64_t elements;
  std::int64_t width;
  Divisor by_width;

  template <bool whole>
  __device__ Pack<T, size> load(std::int64_t at) const {
    return stream_load<whole, size>(gradient, at, elements);
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Pack<T, size>& values) const {
    if (!whole && at >= elements) return;
    const std::int64_t token = by_width.quotient(at);
    add(table + tokens[token] * width + (at - token * width), values);
  }
};

/// Rows of any width, by pairs that are aligned in the table: an odd row's first is half before it.
template <typename T>
struct ScatterPairs {
  static constexpr int size = 1;  ///< a pair
  struct Inputs {
    Pack<T, 2> values;
    T* to;
    int count;  ///< 2, or 1 where half of the pair is another row's
  };

  const Token* tokens;
  const T* gradient;
  T* table;
  std::int64_t pairs;  ///< of all rows: width/2 + 1 each
  std::int64_t width;
  Divisor by_pairs;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    Inputs in{};
    if (!whole && at >= pairs) return in;
    const std::int64_t token = by_pairs.quotient(at);
    const std::int64_t row = tokens[token] * width;
    const std::int64_t begin = 2 * by_pairs.remainder(at) - (row & 1);
    const std::int64_t first = begin < 0 ? 0 : begin;
    const std::int64_t end = begin + 2 < width ? begin + 2 : width;
    if (first >= end) return in;
    in.to = table + row + first;
    in.count = static_cast<int>(end - first);
    const T* from = gradient + token * width + first;
    in.values.set(0, from[0]);
    if (in.count == 2) in.values.set(1, from[1]);
    return in;
  }

  template <bool whole>
  __device__ void finish(std::int64_t, const Inputs& in) const {
    if (in.count == 2) add_two(in.to, in.values);
    if (in.count == 1) atomicAdd(in.to, in.values[0]);
  }
};

/// A position's gradient: those of its tokens, which lie `period` elements apart, summed.
template <typename T, int N>
struct PositionSum {
  static constexpr int size = N;
  struct Inputs {
    Pack<T, N> old;
    Pack<float, N> sum;
  };

  const T* gradient;
  T* positions;
  std::int64_t elements;
  std::int64_t period;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    Inputs in{};
    if (!whole && at >= period) return in;
    in.old = cuda::load<N>(positions + at);
#pragma unroll 8
    for (std::int64_t from = at; from < elements; from += period) {
      const Pack<float, N> values = widen(cuda::load<N>(gradient + from));
#pragma unroll
      for (int i = 0; i < N; ++i) in.sum[i] += values[i];
    }
    return in;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& in) const {
    if (!whole && at >= period) return;
    Pack<float, N> sum = widen(in.old);
#pragma unroll
    for (int i = 0; i < N; ++i) sum[i] += in.sum[i];
    store(positions + at, narrow<T>(sum));
  }
};

template <typename T, int N>
Status forward(const op::Embedding& e, const Launch& on) {
  const std::int64_t elements = e.tokens * e.width;
  const Token* tokens = on.array<const Token>(0);
  const T* table = on.array<const T>(1);
  const Divisor by_width(e.width);
  constexpr int unroll = N > 1 ? 4 : 8;
  if (e.positions) {
    const Lookup<T, N, true> body{tokens, table, on.array<const T>(2), on.array<T>(3), elements, e.width, by_width};
    return stream<unroll>(body, elements, on.stream, "embedding");
  }
  const Lookup<T, N, false> body{tokens, table, nullptr, on.array<T>(2), elements, e.width, by_width};
  return stream<unroll>(body, elements, on.stream, "embedding");
}

template <typename T, int N>
Status position_gradient(const op::Embedding& e, const Launch& on) {
  const std::int64_t period = std::min(e.tokens, measure::embedding_positions) * e.width;
  const PositionSum<T, N> body{on.array<const T>(1), on.array<T>(3), e.tokens * e.width, period};
  return stream<1>(body, period, on.stream, "embedding backward, positions");
}

template <typename T>
Status backward(const op::Embedding& e, const Launch& on) {
  const Token* tokens = on.array<const Token>(0);
  const T* gradient = on.array<const T>(1);
  T* table = on.array<T>(2);
  const bool packs = e.width % pack_size<T> == 0;
  Status status;
  if (packs) {
    const std::int64_t elements = e.tokens * e.width;
    const Scatter<T> body{tokens, gradient, table, elements, e.width, Divisor(e.width)};
    status = stream<4>(body, elements, on.stream, "embedding backward");
  } else {
    const std::int64_t row = e.width / 2 + 1;
    const ScatterPairs<T> body{tokens, gradient, table, e.tokens * row, e.width, Divisor(row)};
    status = stream<4>(body, e.tokens * row, on.stream, "embedding backward");
  }
  if (!status.ok() || !e.positions) return status;
  return packs ? position_gradient<T, pack_size<T>>(e, on) : position_gradient<T, 1>(e, on);
}

}  // namespace

Status launch(const op::Embedding& e, const Launch& on) noexcept {
  if (e.tokens <= 0 || e.width <= 0) return {};
  Status status;
  with_type(e.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (e.backward) {
      status = backward<T>(e, on);
    } else if (e.width % pack_size<T> == 0) {
      status = forward<T, pack_size<T>>(e, on);
    } else {
      status = forward<T, 1>(e, on);
    }
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
