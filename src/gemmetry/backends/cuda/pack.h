#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>
#include <type_traits>

#include "gemmetry/shape/dtype.h"

// Elements as kernels move them: in packs of 16 bytes where they lie so, and as fp32 wherever they are computed with.

namespace gemmetry::backends::cuda {

/// Consecutive elements, in registers: narrow ones stay packed in words, or else each would take a register.
template <typename T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Pack {
  static constexpr bool packed = sizeof(T) < 4 && N * sizeof(T) % 4 == 0;
  static constexpr int per_word = packed ? 4 / sizeof(T) : 1;
  using Stored = std::conditional_t<packed, std::uint32_t, T>;
  using Bits = std::conditional_t<sizeof(T) == 1, std::uint8_t, std::uint16_t>;

  Stored words[N / per_word];

  __device__ T& operator[](int i) requires(!packed) { return words[i]; }
  __device__ T operator[](int i) const {
    if constexpr (!packed) {
      return words[i];
    } else {
      const Bits bits = static_cast<Bits>(words[i / per_word] >> (8 * sizeof(T) * (i % per_word)));
      T value;
      __builtin_memcpy(&value, &bits, sizeof value);
      return value;
    }
  }
  /// Over an element that is 0.
  __device__ void set(int i, T value) {
    if constexpr (!packed) {
      words[i] = value;
    } else {
      Bits bits;
      __builtin_memcpy(&bits, &value, sizeof bits);
      words[i / per_word] |= static_cast<std::uint32_t>(bits) << (8 * sizeof(T) * (i % per_word));
    }
  }
  __device__ void clear(int i) {
    if constexpr (!packed) {
      words[i] = T{};
    } else {
      words[i / per_word] &=
          ~(static_cast<std::uint32_t>(static_cast<Bits>(~Bits{0})) << (8 * sizeof(T) * (i % per_word)));
    }
  }
};

/// Elements of T in 16 bytes.
template <typename T>
inline constexpr int pack_size = 16 / sizeof(T);

template <typename T>
__device__ float widen(T value) {
  return static_cast<float>(value);
}

/// To the nearest, ties to even.
template <typename T>
__device__ T narrow(float value) {
  if constexpr (std::is_same_v<T, __nv_bfloat16>) {
    return __float2bfloat16_rn(value);
  } else if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(value);
  } else {
    return T(value);
  }
}

/// Element i of the pack.
template <typename T, int N>
__device__ float widen(const Pack<T, N>& pack, int i) {
  if constexpr (std::is_same_v<T, __nv_bfloat16> && Pack<T, N>::packed) {  // the upper half of a float
    const std::uint32_t word = pack.words[i / 2];
    return __uint_as_float(i % 2 == 0 ? word << 16 : word & 0xffff0000u);
  } else {
    return widen(pack[i]);
  }
}

template <typename T, int N>
__device__ Pack<float, N> widen(const Pack<T, N>& pack) {
  Pack<float, N> wide;
#pragma unroll
  for (int i = 0; i < N; ++i) wide[i] = widen(pack, i);
  return wide;
}

template <typename T, int N>
__device__ Pack<T, N> narrow(const Pack<float, N>& wide) {
  Pack<T, N> pack{};
  constexpr bool pairs = sizeof(T) == 2 && Pack<T, N>::packed;  // two in one instruction
#pragma unroll
  for (int i = 0; i < N; i += pairs ? 2 : 1) {
    if constexpr (pairs && std::is_same_v<T, __nv_bfloat16>) {
      const __nv_bfloat162 both = __floats2bfloat162_rn(wide[i], wide[i + 1]);
      __builtin_memcpy(&pack.words[i / 2], &both, sizeof both);
    } else if constexpr (pairs) {
      const __half2 both = __floats2half2_rn(wide[i], wide[i + 1]);
      __builtin_memcpy(&pack.words[i / 2], &both, sizeof both);
    } else {
      pack.set(i, narrow<T>(wide[i]));
    }
  }
  return pack;
}

/// The largest element: of narrow ones two in one instruction.
template <typename T, int N>
__device__ float most_of(const Pack<T, N>& pack) {
  if constexpr (sizeof(T) == 2 && Pack<T, N>::packed) {
    using Two = std::conditional_t<std::is_same_v<T, __nv_bfloat16>, __nv_bfloat162, __half2>;
    Two most;
    __builtin_memcpy(&most, &pack.words[0], sizeof most);
#pragma unroll
    for (int w = 1; w < N / 2; ++w) {
      Two word;
      __builtin_memcpy(&word, &pack.words[w], sizeof word);
      most = __hmax2(most, word);
    }
    return fmaxf(widen(T(most.x)), widen(T(most.y)));
  } else {
    float most = widen(pack, 0);
#pragma unroll
    for (int i = 1; i < N; ++i) most = fmaxf(most, widen(pack, i));
    return most;
  }
}

/// Makes the compiler forget the floats it has made of the pack: it would keep them, in twice the registers, rather
/// than make them again.
template <typename T, int N>
__device__ void keep_packed(Pack<T, N>& pack) {
  if constexpr (Pack<T, N>::packed) {
#pragma unroll
    for (std::uint32_t& word : pack.words) asm volatile("" : "+r"(word));
  }
}

/// The words a pack is moved in.
template <int bytes>
using Word = std::conditional_t<
    bytes % 16 == 0, uint4,
    std::conditional_t<bytes % 8 == 0, uint2,
                       std::conditional_t<bytes % 4 == 0, std::uint32_t,
                                          std::conditional_t<bytes % 2 == 0, std::uint16_t, std::uint8_t>>>>;

/// `from` is aligned to the pack, at most to 16 bytes.
template <int N, typename T>
__device__ Pack<T, N> load(const T* from) {
  using Piece = Word<N * sizeof(T)>;
  constexpr int pieces = N * sizeof(T) / sizeof(Piece);
  Piece words[pieces];
#pragma unroll
  for (int i = 0; i < pieces; ++i) words[i] = reinterpret_cast<const Piece*>(from)[i];
  Pack<T, N> pack;
  static_assert(sizeof words == sizeof pack);
  __builtin_memcpy(&pack, words, sizeof pack);
  return pack;
}

template <int N, typename T>
__device__ void store(T* to, const Pack<T, N>& pack) {
  using Piece = Word<N * sizeof(T)>;
  constexpr int pieces = N * sizeof(T) / sizeof(Piece);
  Piece words[pieces];
  __builtin_memcpy(words, &pack, sizeof pack);
#pragma unroll
  for (int i = 0; i < pieces; ++i) reinterpret_cast<Piece*>(to)[i] = words[i];
}

/// The elements [at, at + N) of an array of `count`, of which some may lie before it or behind it: those are 0.
template <int N, typename T>
__device__ Pack<T, N> load_some(const T* from, std::int64_t at, std::int64_t count) {
  Pack<T, N> pack{};
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (at + i >= 0 && at + i < count) pack.set(i, from[at + i]);
  }
  return pack;
}

/// Stores those of the elements [at, at + N) that lie in an array of `count`, in pieces of half a pack and less.
template <int N, typename T>
__device__ void store_some(T* to, const Pack<T, N>& pack, std::int64_t at, std::int64_t count) {
  if constexpr (N == 1) {
    if (at >= 0 && at < count) to[at] = pack[0];
  } else {
    constexpr int half = N / 2;
    if (at + N <= 0 || at >= count) return;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const std::int64_t begin = at + h * half;
      Pack<T, half> part{};
#pragma unroll
      for (int i = 0; i < half; ++i) part.set(i, pack[h * half + i]);
      if (begin >= 0 && begin + half <= count) {
        store(to + begin, part);
      } else {
        store_some(to, part, begin, count);
      }
    }
  }
}

/// e^x and 1/(1+e^-x) within 2 units of fp32 in their last place or two; results below 2^-126 are 0.
__device__ inline float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
inline constexpr float log2_e = 1.4426950408889634f;
__device__ inline float exp_fast(float x) { return exp2_fast(x * log2_e); }
__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + exp_fast(-x)); }

/// Calls with an element of the type in which a dtype's results are kept; fp8, which own kernels do not compute in, as
/// nothing.
template <typename F>
void with_type(shape::Dtype dtype, F&& f) {
  switch (dtype) {
    case shape::Dtype::bf16:
      return f(__nv_bfloat16{});
    case shape::Dtype::fp16:
      return f(__half{});
    case shape::Dtype::tf32:
    case shape::Dtype::fp32:
      return f(float{});
    case shape::Dtype::fp8:
      return;
  }
}

}  // namespace gemmetry::backends::cuda
