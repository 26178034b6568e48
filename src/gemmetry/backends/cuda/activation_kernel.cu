#include "gemmetry/backends/cuda/activation_functions.h"
#include "gemmetry/backends/cuda/items.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/backends/cuda/stream.h"

// y = f(x) or f(gate) up, rows apart.

namespace gemmetry::backends::cuda {
namespace {

template <typename T, int N, typename Function, bool gated>
struct PlacedActivation {
  const T* x;
  const T* up;
  T* y;
  std::int64_t x_stride;
  std::int64_t y_stride;
  Divisor by_packs;
  std::int64_t packs;  ///< a row

  struct Inputs {
    Pack<T, N> of[gated ? 2 : 1];
  };

  __device__ Inputs load(std::int64_t item) const {
    const std::int64_t row = by_packs.quotient(item);
    const std::int64_t at = row * x_stride + (item - row * packs) * N;
    Inputs loaded;
    loaded.of[0] = cuda::load<N>(x + at);
    if constexpr (gated) loaded.of[1] = cuda::load<N>(up + at);
    return loaded;
  }

  __device__ void finish(std::int64_t item, const Inputs& loaded) const {
    const std::int64_t row = by_packs.quotient(item);
    Pack<float, N> out;
#pragma unroll
    for (int i = 0; i < N; ++i) {
      out[i] = Function::value(widen(loaded.of[0], i));
      if constexpr (gated) out[i] *= widen(loaded.of[1], i);
    }
    store(y + row * y_stride + (item - row * packs) * N, narrow<T>(out));
  }

  __device__ void operator()(std::int64_t item) const { finish(item, load(item)); }
};

template <typename T, int N, typename Function, bool gated>
Status run(const measure::ActivationKernel& kernel, const Launch& on) {
  const op::Activation& a = kernel.activation;
  const std::int64_t packs = a.width / N;
  const PlacedActivation<T, N, Function, gated> body{on.array<const T>(0),
                                                     gated ? on.array<const T>(1) : nullptr,
                                                     on.array<T>(gated ? 2 : 1),
                                                     kernel.x_stride,
                                                     kernel.y_stride,
                                                     Divisor(packs),
                                                     packs};
  const std::int64_t items = a.rows * packs;
  if (items < many_items) return each_item(body, items, on.stream, "activation");
  return each_of_many_items < gated ? 2 : 4 > (body, items, on.stream, "activation");
}

template <typename T, int N, typename Function>
Status run(const measure::ActivationKernel& kernel, const Launch& on) {
  return kernel.activation.gated ? run<T, N, Function, true>(kernel, on) : run<T, N, Function, false>(kernel, on);
}

template <typename T, int N>
Status run(const measure::ActivationKernel& kernel, const Launch& on) {
  switch (kernel.activation.function) {
    case shape::Activation::gelu:
      return kernel.gelu == measure::Gelu::tanh ? run<T, N, Gelu>(kernel, on) : run<T, N, GeluErf<T>>(kernel, on);
    case shape::Activation::relu:
      return run<T, N, Relu>(kernel, on);
    case shape::Activation::silu:
      return run<T, N, Silu>(kernel, on);
  }
  return {};
}

}  // namespace

Status launch(const measure::ActivationKernel& kernel, const Launch& on) noexcept {
  const op::Activation& a = kernel.activation;
  if (a.rows <= 0 || a.width <= 0) return {};
  Status status;
  with_type(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const bool whole = whole_packs<T>({a.width, kernel.x_stride, kernel.y_stride}) &&
                       begin_aligned({on.operands[0], on.operands[1], on.operands[a.gated ? 2 : 1]});
    status = whole ? run<T, pack_size<T>>(kernel, on) : run<T, 1>(kernel, on);
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
