#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/backends/cuda/stream.h"
#include "gemmetry/measure/operands.h"

// AdamW's first step: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, each divided by 1 - b of it (bias corrections),
// w -= lr (m / (sqrt(v) + epsilon) + decay w).

namespace gemmetry::backends::cuda {
namespace {

/// T: of the gradient; the master is the weight itself where that is fp32.
template <typename T>
struct AdamWBody {
  static constexpr int size = 4;  // 16 bytes of the fp32 arrays, which are most of the traffic
  static constexpr bool has_master = !std::is_same_v<T, float>;
  struct Inputs {
    Pack<T, size> gradient;
    Pack<float, size> master;
    Pack<float, size> first;
    Pack<float, size> second;
  };

  const T* gradient;
  float* master;
  float* first;
  float* second;
  T* weight;
  std::int64_t elements;

  template <bool whole>
  __device__ Inputs load(std::int64_t at) const {
    return {stream_load<whole, size>(gradient, at, elements), stream_load<whole, size>(master, at, elements),
            stream_load<whole, size>(first, at, elements), stream_load<whole, size>(second, at, elements)};
  }

  template <bool whole>
  __device__ void finish(std::int64_t at, const Inputs& loaded) const {
    constexpr measure::AdamW adam;
    const Pack<float, size> g = widen(loaded.gradient);
    Pack<float, size> w = loaded.master;
    Pack<float, size> m = loaded.first;
    Pack<float, size> v = loaded.second;
#pragma unroll
    for (int i = 0; i < size; ++i) {
      m[i] = adam.beta1 * m[i] + (1 - adam.beta1) * g[i];
      v[i] = adam.beta2 * v[i] + (1 - adam.beta2) * g[i] * g[i];
      const float mean = m[i] * (1 / (1 - adam.beta1));
      const float root = sqrtf(v[i] * (1 / (1 - adam.beta2)));
      w[i] -= adam.learning_rate * (__fdividef(mean, root + adam.epsilon) + adam.decay * w[i]);
    }
    stream_store<whole, size>(master, w, at, elements);
    stream_store<whole, size>(first, m, at, elements);
    stream_store<whole, size>(second, v, at, elements);
    if constexpr (has_master) stream_store<whole, size>(weight, narrow<T>(w), at, elements);
  }
};

}  // namespace

Status launch(const op::Optimizer& o, const Launch& on) noexcept {
  Status status;
  with_type(o.dtype, [&](auto zero) {
    using T = decltype(zero);
    AdamWBody<T> body{on.array<const T>(0), on.array<float>(1), on.array<float>(2), on.array<float>(3), nullptr,
                      o.parameters};
    if constexpr (AdamWBody<T>::has_master) body.weight = on.array<T>(4);
    status = stream<2>(body, o.parameters, on.stream, "optimizer");
  });
  return status;
}

}  // namespace gemmetry::backends::cuda
