#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include <cstdint>
#include <type_traits>

#include "gemmetry/shape/dtype.h"

// Elements as kernels move them: in packs of 16 bytes where they lie so, and as fp32 wherever they are computed with.

namespace gemmetry::backends::cuda {

/// Consecutive elements, in registers.
template <typename T, int N>
struct alignas(N * sizeof(T) < 16 ? N * sizeof(T) : 16) Pack {
  T values[N];

  __device__ T& operator[](int i) { return values[i]; }
  __device__ const T& operator[](int i) const { return values[i]; }
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

template <typename T, int N>
__device__ Pack<float, N> widen(const Pack<T, N>& pack) {
  Pack<float, N> wide;
#pragma unroll
  for (int i = 0; i < N; ++i) wide[i] = widen(pack[i]);
  return wide;
}

template <typename T, int N>
__device__ Pack<T, N> narrow(const Pack<float, N>& wide) {
  Pack<T, N> pack;
  if constexpr (std::is_same_v<T, __nv_bfloat16> && N % 2 == 0) {  // two in one instruction
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      const __nv_bfloat162 both = __floats2bfloat162_rn(wide[i], wide[i + 1]);
      pack[i] = both.x;
      pack[i + 1] = both.y;
    }
  } else if constexpr (std::is_same_v<T, __half> && N % 2 == 0) {
#pragma unroll
    for (int i = 0; i < N; i += 2) {
      const __half2 both = __floats2half2_rn(wide[i], wide[i + 1]);
      pack[i] = both.x;
      pack[i + 1] = both.y;
    }
  } else {
#pragma unroll
    for (int i = 0; i < N; ++i) pack[i] = narrow<T>(wide[i]);
  }
  return pack;
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
  Pack<T, N> pack;
#pragma unroll
  for (int i = 0; i < N; ++i) {
    const bool inside = at + i >= 0 && at + i < count;
    pack[i] = inside ? from[at + i] : T(0.0f);
  }
  return pack;
}

/// Stores those of the elements [at, at + N) that lie in an array of `count`.
template <int N, typename T>
__device__ void store_some(T* to, const Pack<T, N>& pack, std::int64_t at, std::int64_t count) {
#pragma unroll
  for (int i = 0; i < N; ++i) {
    if (at + i >= 0 && at + i < count) to[at + i] = pack[i];
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
