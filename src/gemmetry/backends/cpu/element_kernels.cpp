#include <algorithm>
#include <cmath>

#include "gemmetry/backends/cpu/kernel_loops.h"
#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/random_data.h"

// Kernels that compute each element on its own.

namespace gemmetry::backends::cpu {

using measure::Element;

float activated(shape::Activation function, measure::Gelu form, float x) {
  switch (function) {
    case shape::Activation::gelu:
      return form == measure::Gelu::tanh ? gelu(x) : x / 2 * std::erfc(-x * 0.70710678f);
    case shape::Activation::relu:
      return std::max(x, 0.0f);
    case shape::Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

void run(const measure::ActivationKernel& kernel, void* const* operands) {
  const op::Activation& a = kernel.activation;
  const Elements x(a.dtype, operands[0]);
  const Elements up(a.dtype, operands[1]);
  const Elements y(a.dtype, operands[a.gated ? 2 : 1]);
  for (std::int64_t row = 0; row < a.rows; ++row)
    for (std::int64_t j = 0; j < a.width; ++j) {
      const std::int64_t at = row * kernel.x_stride + j;
      y.set(row * kernel.y_stride + j, activated(a.function, kernel.gelu, x[at]) * (a.gated ? up[at] : 1));
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

void run(const measure::RotaryAppendKernel& kernel, void* const* operands) {
  const op::Rotary& r = kernel.rotary;
  auto* positions = static_cast<std::int32_t*>(operands[0]);
  const auto* slots = static_cast<const std::int32_t*>(operands[1]);
  void* const of_queries[] = {operands[0], operands[2], operands[3]};
  run(measure::RotaryKernel{r, kernel.head_dim, kernel.q_stride}, of_queries);
  void* const as_they_are[] = {operands[0], operands[1], operands[4], operands[5], operands[6], operands[7]};
  const std::int64_t width = kernel.kv_heads * kernel.head_dim;
  const Element element = measure::element_of(r.dtype);
  run(measure::AppendKernel{r.tokens, width, kernel.kv_heads * kernel.value_dim, kernel.k_stride, kernel.v_stride,
                            kernel.capacity, element},
      as_they_are);
  for (std::int64_t token = 0; token < r.tokens; ++token) {  // where they lie now
    if (slots[token] < 0 || positions[token] < 0 || positions[token] >= kernel.capacity) continue;
    const std::int64_t place = slots[token] * kernel.capacity + positions[token];
    char* const row = static_cast<char*>(operands[6]) + place * width * measure::element_bytes(element);
    void* const of_keys[] = {positions + token, operands[2], row};
    run(measure::RotaryKernel{{1, kernel.kv_heads, r.dim, false, r.dtype}, kernel.head_dim, width}, of_keys);
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
