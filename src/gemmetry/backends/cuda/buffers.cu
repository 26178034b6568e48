#include <algorithm>

#include "gemmetry/backends/cuda/buffers.h"
#include "gemmetry/backends/cuda/pack.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::backends::cuda {
namespace {

using measure::Element;
using measure::Fill;

inline constexpr int threads = 256;

/// Few enough blocks for any count: each goes on through the array.
unsigned blocks_for(std::int64_t count) {
  return static_cast<unsigned>(std::min<std::int64_t>((count + threads - 1) / threads, 1 << 16));
}

template <typename T>
__device__ T random_element(Fill fill, std::int64_t limit, std::uint64_t seed, std::uint64_t index) {
  if (fill == Fill::index) return T(measure::random_index(seed, index, limit));
  if (fill == Fill::flag) return T(static_cast<int>(measure::random_flag(seed, index)));
  if (fill == Fill::positive) return narrow<T>(measure::random_positive(seed, index));
  return narrow<T>(measure::random_uniform(seed, index));
}

template <typename T>
__global__ void __launch_bounds__(threads)
    fill_kernel(T* to, std::int64_t count, Fill fill, std::int64_t limit, std::uint64_t seed) {
  const std::int64_t stride = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < count; i += stride) {
    to[i] = random_element<T>(fill, limit, seed, static_cast<std::uint64_t>(i));
  }
}

template <typename T>
__global__ void __launch_bounds__(threads)
    gather_kernel(const T* from, const std::int64_t* indices, std::int64_t count, double* out) {
  const std::int64_t stride = std::int64_t{gridDim.x} * threads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * threads + threadIdx.x; i < count; i += stride) {
    const T value = from[indices == nullptr ? i : indices[i]];
    if constexpr (std::is_integral_v<T>) {
      out[i] = static_cast<double>(value);
    } else {
      out[i] = static_cast<double>(widen(value));
    }
  }
}

template <typename F>
Status with_element(Element element, F&& f) {
  switch (element) {
    case Element::fp32:
      return f(float{});
    case Element::bf16:
      return f(__nv_bfloat16{});
    case Element::fp16:
      return f(__half{});
    case Element::fp8:
      return f(__nv_fp8_e4m3{});
    case Element::int32:
      return f(std::int32_t{});
    case Element::byte:
      return f(std::uint8_t{});
  }
  return failure(StatusCode::failed, "no such element: %d", static_cast<int>(element));
}

}  // namespace

Status fill(void* buffer, const measure::Operand& operand, std::uint64_t seed, cudaStream_t stream) noexcept {
  if (operand.elements() <= 0) return {};
  if (operand.fill == Fill::none || operand.fill == Fill::forward) {
    const std::size_t bytes = static_cast<std::size_t>(operand.bytes());
    return check(cudaMemsetAsync(buffer, 0xff, bytes, stream), "poison a buffer");
  }
  return with_element(operand.element, [&](auto zero) {
    using T = decltype(zero);
    const std::int64_t count = operand.elements();
    fill_kernel<<<blocks_for(count), threads, 0, stream>>>(static_cast<T*>(buffer), count, operand.fill, operand.limit,
                                                           seed);
    return check(cudaGetLastError(), "fill a buffer");
  });
}

Status gather(const void* buffer, Element element, const std::int64_t* indices, std::int64_t count, double* out,
              cudaStream_t stream) noexcept {
  if (count <= 0) return {};
  return with_element(element, [&](auto zero) {
    using T = decltype(zero);
    gather_kernel<<<blocks_for(count), threads, 0, stream>>>(static_cast<const T*>(buffer), indices, count, out);
    return check(cudaGetLastError(), "gather elements");
  });
}

}  // namespace gemmetry::backends::cuda
