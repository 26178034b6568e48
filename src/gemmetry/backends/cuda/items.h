#pragma once

#include <cstdint>
#include <initializer_list>

#include "gemmetry/backends/cuda/following.h"
#include "gemmetry/backends/cuda/pack.h"
#include "gemmetry/backends/cuda/status.h"
#include "gemmetry/measure/element.h"

// Kernels in which each thread does one pack of elements of one row, wherever that lies.

namespace gemmetry::backends::cuda {

inline constexpr int item_threads = 128;

/// Items from which on a thread does several, whose loads are in flight together; of fewer, more threads are faster.
inline constexpr std::int64_t many_items = std::int64_t{1} << 18;

template <typename Body>
__global__ void __launch_bounds__(item_threads) item_kernel(const __grid_constant__ Body body, std::int64_t items) {
  let_next_begin();
  wait_for_previous();
  const std::int64_t item = std::int64_t{blockIdx.x} * item_threads + threadIdx.x;
  if (item < items) body(item);
}

/// Calls the body with each of 0 .. items - 1.
template <typename Body>
Status each_item(const Body& body, std::int64_t items, cudaStream_t stream, const char* doing) {
  if (items <= 0) return {};
  const std::int64_t blocks = (items + item_threads - 1) / item_threads;
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "%s: too many elements for one launch", doing);
  const Cut cut = items < many_items ? Cut::same : Cut::any;
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(item_threads), stream, cut);
  return launch_following(how, doing, item_kernel<Body>, body, items);
}

template <int unroll, typename Body>
__global__ void __launch_bounds__(item_threads) items_kernel(const __grid_constant__ Body body, std::int64_t items) {
  let_next_begin();
  wait_for_previous();
  const std::int64_t first = std::int64_t{blockIdx.x} * unroll * item_threads + threadIdx.x;
  decltype(body.load(0)) loaded[unroll];
#pragma unroll
  for (int u = 0; u < unroll; ++u) {
    if (first + u * item_threads < items) loaded[u] = body.load(first + u * item_threads);
  }
#pragma unroll
  for (int u = 0; u < unroll; ++u) {
    if (first + u * item_threads < items) body.finish(first + u * item_threads, loaded[u]);
  }
}

/// The same for a body in two halves: finish(item, load(item)).
template <int unroll, typename Body>
Status each_of_many_items(const Body& body, std::int64_t items, cudaStream_t stream, const char* doing) {
  if (items <= 0) return {};
  const std::int64_t blocks = (items + unroll * item_threads - 1) / (unroll * item_threads);
  if (blocks > 0x7fffffff) return failure(StatusCode::unsupported, "%s: too many elements for one launch", doing);
  const Following how(dim3(static_cast<unsigned>(blocks)), dim3(item_threads), stream, Cut::any);
  return launch_following(how, doing, items_kernel<unroll, Body>, body, items);
}

/// Whether arrays begin at multiples of 16 bytes.
inline bool begin_aligned(std::initializer_list<const void*> arrays) {
  for (const void* array : arrays) {
    if (reinterpret_cast<std::uintptr_t>(array) % 16 != 0) return false;
  }
  return true;
}

/// Whether all of the widths and strides, in elements of T, are whole packs of 16 bytes.
template <typename T>
bool whole_packs(std::initializer_list<std::int64_t> lengths) {
  for (const std::int64_t length : lengths) {
    if (length % pack_size<T> != 0) return false;
  }
  return true;
}

/// Calls with an element of the type; whole numbers and fp8 are no kernel's.
template <typename F>
void with_type(measure::Element element, F&& f) {
  if (element == measure::Element::bf16) return f(__nv_bfloat16{});
  if (element == measure::Element::fp16) return f(__half{});
  if (element == measure::Element::fp32) return f(float{});
}

}  // namespace gemmetry::backends::cuda
