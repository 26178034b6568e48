#include <algorithm>
#include <cmath>

#include "gemmetry/backends/cpu/kernels.h"

namespace gemmetry::backends::cpu {
namespace {

constexpr float root_two_over_pi = 0.7978845608f;
constexpr float cubic = 0.044715f;

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

float activation(shape::Activation function, float x) {
  switch (function) {
    case shape::Activation::gelu:
      return gelu(x);
    case shape::Activation::relu:
      return std::max(x, 0.0f);
    case shape::Activation::silu:
      return x * sigmoid(x);
  }
  return x;
}

float slope(shape::Activation function, float x) {
  switch (function) {
    case shape::Activation::gelu:
      return gelu_slope(x);
    case shape::Activation::relu:
      return x > 0 ? 1.0f : 0.0f;
    case shape::Activation::silu:
      return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
  }
  return 1;
}

void add_row(float* to, const float* from, std::int64_t width) {
  for (std::int64_t j = 0; j < width; ++j) to[j] += from[j];
}

}  // namespace

float gelu(float x) { return x / 2 * (1 + std::tanh(root_two_over_pi * (x + cubic * x * x * x))); }

float gelu_slope(float x) {
  const float t = std::tanh(root_two_over_pi * (x + cubic * x * x * x));
  return (1 + t) / 2 + x / 2 * (1 - t * t) * root_two_over_pi * (1 + 3 * cubic * x * x);
}

void run(const op::Activation& a, const Arrays& arrays) {
  const float* x = arrays[0].values;
  const float* up = a.gated ? arrays[1].values : nullptr;
  const float* dy = a.backward ? arrays[a.gated ? 2 : 1].values : nullptr;
  const std::size_t out = (a.gated ? 2 : 1) + (a.backward ? 1 : 0);
  float* first = arrays[out].values;
  for (std::int64_t i = 0; i < a.rows * a.width; ++i) {
    const float factor = (up ? up[i] : 1) * (dy ? dy[i] : 1);
    first[i] = factor * (a.backward ? slope(a.function, x[i]) : activation(a.function, x[i]));
    if (a.gated && a.backward) arrays[out + 1].values[i] = dy[i] * activation(a.function, x[i]);
  }
}

void run(const op::Rotary& r, const Arrays& arrays) {
  const std::int64_t half = r.dim / 2;
  for (std::int64_t token = 0; token < r.tokens; ++token) {
    const float* rotation = arrays[0].values + token % measure::embedding_positions * r.dim;
    for (std::int64_t head = 0; head < r.heads; ++head) {
      float* x = arrays[1].values + (token * r.heads + head) * r.dim;
      for (std::int64_t i = 0; i < half; ++i) {
        const float c = rotation[2 * i];
        const float s = r.backward ? -rotation[2 * i + 1] : rotation[2 * i + 1];
        const float first = x[i];
        const float second = x[i + half];
        x[i] = first * c - second * s;
        x[i + half] = second * c + first * s;
      }
    }
  }
}

void run(const op::Residual& r, const Arrays& arrays) {
  const std::int64_t size = r.rows * r.width;
  if (r.backward) {
    float* out = arrays[r.dropout ? 2 : 1].values;
    for (std::int64_t i = 0; i < size; ++i) {
      const float gradient = arrays[0].values[i];
      out[i] = r.dropout ? gradient * static_cast<float>(arrays[1].bytes()[i]) * measure::dropout_scale : gradient;
    }
    return;
  }
  const std::size_t out = r.bias ? 3 : 2;
  for (std::int64_t i = 0; i < size; ++i) {
    float branch = arrays[1].values[i] + (r.bias ? arrays[2].values[i % r.width] : 0);
    if (r.dropout) {
      const bool kept = measure::dropout_keeps(static_cast<std::uint64_t>(i));
      branch = kept ? branch * measure::dropout_scale : 0;
      arrays[out + 1].bytes()[i] = kept ? 1 : 0;
    }
    arrays[out].values[i] = arrays[0].values[i] + branch;
  }
}

void run(const op::Embedding& e, const Arrays& arrays) {
  const std::int32_t* tokens = arrays[0].indices();
  for (std::int64_t i = 0; i < e.tokens; ++i) {
    const std::int64_t word = tokens[i] * e.width;
    const std::int64_t place = i % measure::embedding_positions * e.width;
    if (e.backward) {
      const float* gradient = arrays[1].values + i * e.width;
      add_row(arrays[2].values + word, gradient, e.width);
      if (e.positions) add_row(arrays[3].values + place, gradient, e.width);
    } else {
      float* y = arrays[e.positions ? 3 : 2].values + i * e.width;
      std::copy_n(arrays[1].values + word, e.width, y);
      if (e.positions) add_row(y, arrays[2].values + place, e.width);
    }
  }
}

void run(const op::Optimizer& o, const Arrays& arrays) {
  const measure::AdamW adam;
  for (std::int64_t i = 0; i < o.parameters; ++i) {
    const float gradient = arrays[0].values[i];
    float& weight = arrays[1].values[i];
    float& first = arrays[2].values[i];
    float& second = arrays[3].values[i];
    first = adam.beta1 * first + (1 - adam.beta1) * gradient;
    second = adam.beta2 * second + (1 - adam.beta2) * gradient * gradient;
    const float root = std::sqrt(second / (1 - adam.beta2)) + adam.epsilon;
    weight -= adam.learning_rate * (first / (1 - adam.beta1) / root + adam.decay * weight);
    if (arrays.size() > 4) arrays[4].values[i] = weight;
  }
}

void run(const op::Pointwise& p, const Arrays& arrays) {
  const std::vector<measure::Operand> operands = measure::operands(op::Operator(p));
  if (operands.empty() || operands.back().use == measure::Use::in) return;
  const std::int64_t inputs = operands.size() > 1 ? operands[0].elements() : 0;
  const std::int64_t outputs = operands.back().elements();
  for (std::int64_t i = 0; i < outputs; ++i) {
    float x = 0;
    if (inputs >= outputs)
      for (std::int64_t from = i; from < inputs; from += outputs) x += arrays[0].values[from];
    else if (inputs > 0)
      x = arrays[0].values[i % inputs];
    if (p.function == op::Function::scale) x *= measure::softmax_scale;
    if (p.function == op::Function::soft_cap) x = 30 * std::tanh(x / 30);
    arrays.back().values[i] = x;
  }
}

}  // namespace gemmetry::backends::cpu
