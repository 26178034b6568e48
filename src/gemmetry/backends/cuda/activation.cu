#include "gemmetry/backends/cuda/activation_functions.h"
#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"

// y = f(x) or f(gate) up, and their gradients: one pass, a pack a time.

namespace gemmetry::backends::cuda {
namespace {

/// Arrays in the order of the operands: inputs, then outputs.
template <typename T, typename Function, bool gated, bool backward>
struct ActivationBody {
  static constexpr int size = pack_size<T>;
  static constexpr int inputs = 1 + gated + backward;
  static constexpr int outputs = gated && backward ? 2 : 1;
  using Values = Pack<T, size>;
  struct Inputs {
    Values of[inputs];
  };

  const T* in[inputs];
  T* out[outputs];
  std::int64_t elements;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    Inputs loaded;
#pragma unroll
    for (int i = 0; i < inputs; ++i) loaded.of[i] = stream_load<whole, size>(in[i], at, elements);
    return loaded;
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& loaded) const {
    const Pack<float, size> x = widen(loaded.of[0]);
    const Pack<float, size> last = widen(loaded.of[inputs - 1]);  // up, or the gradient of y
    Pack<float, size> first_out;
    Pack<float, size> second_out;
    [[maybe_unused]] Pack<float, size> up;
    if constexpr (gated) up = widen(loaded.of[1]);
#pragma unroll
    for (int i = 0; i < size; ++i) {
      if constexpr (!backward) {
        first_out[i] = Function::value(x[i]);
        if constexpr (gated) first_out[i] *= last[i];
      } else {
        const ValueAndSlope f = Function::both(x[i]);
        first_out[i] = last[i] * f.slope;
        if constexpr (gated) {
          first_out[i] *= up[i];
          second_out[i] = last[i] * f.value;
        }
      }
    }
    stream_store<whole, size>(out[0], narrow<T>(first_out), at, elements);
    if constexpr (outputs == 2) stream_store<whole, size>(out[1], narrow<T>(second_out), at, elements);
  }
};

template <typename T, typename Function, bool gated, bool backward>
Status run(const op::Activation& a, const Launch& on) {
  using Body = ActivationBody<T, Function, gated, backward>;
  Body body;
  for (int i = 0; i < Body::inputs; ++i) body.in[i] = on.array<const T>(i);
  for (int i = 0; i < Body::outputs; ++i) body.out[i] = on.array<T>(Body::inputs + i);
  body.elements = a.rows * a.width;
  return stream<(Body::inputs > 1 ? 2 : 4)>(body, body.elements, on.stream, "activation");
}

template <typename T, typename Function>
Status run(const op::Activation& a, const Launch& on) {
  if (a.gated) return a.backward ? run<T, Function, true, true>(a, on) : run<T, Function, true, false>(a, on);
  return a.backward ? run<T, Function, false, true>(a, on) : run<T, Function, false, false>(a, on);
}

}  // namespace

Status launch(const op::Activation& a, const Launch& on) noexcept {
  Status status;
  with_type(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    switch (a.function) {
      case shape::Activation::gelu:
        status = run<T, Gelu>(a, on);
        break;
      case shape::Activation::relu:
        status = run<T, Relu>(a, on);
        break;
      case shape::Activation::silu:
        status = run<T, Silu>(a, on);
        break;
    }
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
