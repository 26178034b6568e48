#pragma once

#include "gemmetry/backends/cuda/pack.h"

// What stands between the two halves of the FFN, and its slopes.

namespace gemmetry::backends::cuda {

struct ValueAndSlope {
  float value;
  float slope;
};

struct Gelu {
  static constexpr float c = 0.7978845608028654f;  // sqrt(2 / pi)
  static constexpr float cubic = 0.044715f;
  // (1 + tanh(u)) / 2 = sigmoid(2 u), which stays precise where tanh is near -1.
  static __device__ float value(float x) { return x * sigmoid(2 * c * x * (1 + cubic * x * x)); }
  static __device__ ValueAndSlope both(float x) {
    const float s = sigmoid(2 * c * x * (1 + cubic * x * x));
    return {x * s, s + x * s * (1 - s) * 2 * c * (1 + 3 * cubic * x * x)};
  }
};

/// With the normal distribution itself, precise to the last places of T. Half the types' erfc is within 6e-6 of its
/// value (the fit of Press et al., Numerical Recipes, section 6.2, and the fast e^x), at a sixth of erfcf's work.
template <typename T>
struct GeluErf {
  static __device__ float value(float x) {
    if constexpr (sizeof(T) == 4) {
      return x / 2 * erfcf(x * -0.70710678f);
    } else {
      const float z = fabsf(x) * 0.70710678f;
      const float t = __fdividef(1.0f, 1.0f + 0.5f * z);
      float power = 0.17087277f;
      power = fmaf(power, t, -0.82215223f);
      power = fmaf(power, t, 1.48851587f);
      power = fmaf(power, t, -1.13520398f);
      power = fmaf(power, t, 0.27886807f);
      power = fmaf(power, t, -0.18628806f);
      power = fmaf(power, t, 0.09678418f);
      power = fmaf(power, t, 0.37409196f);
      power = fmaf(power, t, 1.00002368f);
      power = fmaf(power, t, -1.26551223f);
      const float erfc = t * exp_fast(power - z * z);
      return x / 2 * (x < 0 ? erfc : 2 - erfc);
    }
  }
};

struct Relu {
  static __device__ float value(float x) { return fmaxf(x, 0.0f); }
  static __device__ ValueAndSlope both(float x) { return {fmaxf(x, 0.0f), x > 0 ? 1.0f : 0.0f}; }
};

struct Silu {
  static __device__ float value(float x) { return x * sigmoid(x); }
  static __device__ ValueAndSlope both(float x) {
    const float s = sigmoid(x);
    return {x * s, s * (1 + x * (1 - s))};
  }
};

}  // namespace gemmetry::backends::cuda
