#include <algorithm>
#include <cmath>

#include "gemmetry/backends/cpu/kernel_loops.h"
#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/random_data.h"

// Kernels that compute each element on its own.

namespace gemmetry::backends::cpu {
namespace {

float activation(const measure::ActivationKernel& kernel, float x) {
  switch (kernel.activation.function) {
    case shape::Activation::gelu:
      return kernel.gelu == measure::Gelu::tanh ? gelu(x) : x / 2 * std::erfc(-x * 0.70710678f);
    case shape::Activation::relu:
      return std::max(x, 0.0f);
    case shape::Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

}  // namespace

void run(const measure::ActivationKernel& kernel, void* const* operands) {
  const op::Activation& a = kernel.activation;
  const Elements x(a.dtype, operands[0]);
  const Elements up(a.dtype, operands[1]);
  const Elements y(a.dtype, operands[a.gated ? 2 : 1]);
  for (std::int64_t row = 0; row < a.rows; ++row)
    for (std::int64_t j = 0; j < a.width; ++j) {
      const std::int64_t at = row * kernel.x_stride + j;
      y.set(row * kernel.y_stride + j, activation(kernel, x[at]) * (a.gated ? up[at] : 1));
    }
}

void run(const measure::RotaryKernel& kernel, void* const* operands) {
  const op::Rotary& r = kernel.rotary;
  const auto* positions = static_cast<const std::int32_t*>(operands[0]);
  const auto* rotation = static_cast<const float*>(operands[1]);
  const Elements x(r.dtype, operands[2]);
  const std::int64_t half = r.dim / 2;
  for (std::int64_t token = 0; token < r.tokens; ++token)
    for (std::int64_t head = 0; head < r.heads; ++head)
      for (std::int64_t i = 0; i < half; ++i) {
        const float* turn = rotation + positions[token] * r.dim + 2 * i;
        const float sine = r.backward ? -turn[1] : turn[1];
        const std::int64_t at = token * kernel.x_stride + head * kernel.head_dim + i;
        const float first = x[at];
        const float second = x[at + half];
        x.set(at, first * turn[0] - second * sine);
        x.set(at + half, second * turn[0] + first * sine);
      }
}

void run(const measure::FillKernel& kernel, void* const* operands) {
  const Elements y(kernel.element, operands[0]);
  for (std::int64_t i = 0; i < kernel.elements; ++i) {
    const float scaled = kernel.scale * measure::random_uniform(kernel.seed, static_cast<std::uint64_t>(i));
    y.set(i, kernel.mean + scaled);
  }
}

void run(const measure::AdvanceKernel& kernel, void* const* operands) {
  auto* positions = static_cast<std::int32_t*>(operands[1]);
  auto* lengths = static_cast<std::int32_t*>(operands[2]);
  auto* parameters = static_cast<measure::SampleParameters*>(operands[3]);
  for (std::int64_t row = 0; row < kernel.rows; ++row) {
    ++positions[row];
    ++lengths[row];
    ++parameters[row].position;
  }
}

}  // namespace gemmetry::backends::cpu
