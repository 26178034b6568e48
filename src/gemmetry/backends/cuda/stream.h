#pragma once

#include <cstdint>

#include "gemmetry/backends/cuda/pack.h"
#include "gemmetry/backends/cuda/status.h"

// Kernels that go through arrays from end to end, each element on its own.

namespace gemmetry::backends::cuda {

/// Division by a number that stays the same, by a multiplication: exact for every 64-bit dividend.
class Divisor {
 public:
  explicit Divisor(std::int64_t divisor)
      : divisor_(static_cast<std::uint64_t>(divisor)), reciprocal_(~std::uint64_t{0} / divisor_) {}

  __device__ std::int64_t quotient(std::int64_t number) const {
    const std::uint64_t n = static_cast<std::uint64_t>(number);
    const std::uint64_t q = __umul64hi(n, reciprocal_);  // right or one too small
    return static_cast<std::int64_t>(n - q * divisor_ >= divisor_ ? q + 1 : q);
  }
  __device__ std::int64_t remainder(std::int64_t number) const {
    return number - quotient(number) * static_cast<std::int64_t>(divisor_);
  }

 private:
  std::uint64_t divisor_;
  std::uint64_t reciprocal_;
};

inline constexpr int stream_threads = 256;

/// A Body does packs of `Body::size` elements in two halves, so that a thread has `unroll` packs' loads in flight
/// before it waits for the first: `load<whole>(at)` and `finish<whole>(at, loaded)`. Where `whole` is false the pack
/// may reach over the end.
template <int unroll, bool whole, typename Body>
__device__ void stream_tile(const Body& body, std::int64_t first) {
  decltype(body.template load<whole>(0)) loaded[unroll];
#pragma unroll
  for (int u = 0; u < unroll; ++u) loaded[u] = body.template load<whole>(first + u * stream_threads * Body::size);
#pragma unroll
  for (int u = 0; u < unroll; ++u) {
    body.template finish<whole>(first + u * stream_threads * Body::size, loaded[u]);
  }
}

template <int unroll, typename Body>
__global__ void __launch_bounds__(stream_threads)
    stream_kernel(const __grid_constant__ Body body, std::int64_t elements) {
  constexpr std::int64_t tile = std::int64_t{unroll} * stream_threads * Body::size;
  const std::int64_t begin = blockIdx.x * tile;
  const std::int64_t first = begin + threadIdx.x * Body::size;
  if (begin + tile <= elements) {
    stream_tile<unroll, true>(body, first);
  } else {
    stream_tile<unroll, false>(body, first);
  }
}

/// Goes through `elements` elements with packs.
template <int unroll, typename Body>
Status stream(const Body& body, std::int64_t elements, cudaStream_t stream, const char* doing) {
  if (elements <= 0) return {};
  constexpr std::int64_t tile = std::int64_t{unroll} * stream_threads * Body::size;
  const std::int64_t blocks = (elements + tile - 1) / tile;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "%s: too many elements for one launch", doing);
  stream_kernel<unroll><<<static_cast<unsigned>(blocks), stream_threads, 0, stream>>>(body, elements);
  return check(cudaGetLastError(), doing);
}

/// For arrays that are as long as the stream.
template <bool whole, int N, typename T>
__device__ Pack<T, N> stream_load(const T* from, std::int64_t at, std::int64_t elements) {
  if constexpr (whole) return load<N>(from + at);
  if (at + N <= elements) return load<N>(from + at);
  return load_some<N>(from, at, elements);
}

template <bool whole, int N, typename T>
__device__ void stream_store(T* to, const Pack<T, N>& pack, std::int64_t at, std::int64_t elements) {
  if (whole || at + N <= elements) return store<N>(to + at, pack);
  store_some<N>(to, pack, at, elements);
}

}  // namespace gemmetry::backends::cuda
