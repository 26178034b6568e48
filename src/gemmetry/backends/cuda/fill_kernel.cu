#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/measure/random_data.h"

// Random weights, the same bits as the host's.

namespace gemmetry::backends::cuda {
namespace {

template <typename T>
struct FillBody {
  T* y;
  std::int64_t elements;
  std::uint64_t seed;
  float mean;
  float scale;

  static constexpr int each = 8;

  /// Elements that are a launch apart, so that neighbours write neighbours.
  __device__ void operator()(std::int64_t item) const {
    const std::int64_t step = (elements + each - 1) / each;
#pragma unroll
    for (int i = 0; i < each; ++i) {
      const std::int64_t at = item + i * step;
      if (at >= elements) return;
      const float u = measure::random_uniform(seed, static_cast<std::uint64_t>(at));
      y[at] = narrow<T>(__fadd_rn(mean, __fmul_rn(scale, u)));
    }
  }
};

template <typename T>
Status run(const measure::FillKernel& kernel, const Launch& on) {
  const FillBody<T> body{on.array<T>(0), kernel.elements, kernel.seed, kernel.mean, kernel.scale};
  return each_item(body, (kernel.elements + FillBody<T>::each - 1) / FillBody<T>::each, on.stream, "fill");
}

}  // namespace

Status launch(const measure::FillKernel& kernel, const Launch& on) noexcept {
  if (kernel.element == measure::Element::fp8) return run<__nv_fp8_e4m3>(kernel, on);
  Status status;
  with_type(kernel.element, [&](auto zero) { status = run<decltype(zero)>(kernel, on); });
  return status;
}

}  // namespace gemmetry::backends::cuda
