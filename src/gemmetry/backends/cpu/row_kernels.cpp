#include <algorithm>
#include <cmath>
#include <vector>

#include "gemmetry/backends/cpu/kernel_loops.h"

// Kernels that reduce rows: norm, softmax, the next token.

namespace gemmetry::backends::cpu {

void run(const measure::NormKernel& kernel, void* const* operands) {
  const op::Norm& n = kernel.norm;
  const bool centred = n.norm == shape::NormKind::layer_norm;
  const Elements x(n.dtype, operands[0]);
  const Elements weight(n.dtype, operands[1]);
  const Elements bias(n.dtype, operands[2]);
  const Elements y(n.dtype, operands[centred ? 3 : 2]);
  const float width = static_cast<float>(n.width);
  std::vector<float> values(static_cast<std::size_t>(n.width));
  for (std::int64_t row = 0; row < n.rows; ++row)
    for (std::int64_t group = 0; group < kernel.groups; ++group) {
      const std::int64_t x_at = row * kernel.x_stride + group * n.width;
      const std::int64_t y_at = row * kernel.y_stride + group * n.width;
      float mean = 0;
      for (std::int64_t j = 0; j < n.width; ++j) {
        values[static_cast<std::size_t>(j)] = x[x_at + j];
        mean += x[x_at + j];
      }
      mean = centred ? mean / width : 0;
      float squares = 0;
      for (const float value : values) squares += (value - mean) * (value - mean);
      const float rstd = 1 / std::sqrt(squares / width + kernel.epsilon);
      for (std::int64_t j = 0; j < n.width; ++j) {
        const float normal = (values[static_cast<std::size_t>(j)] - mean) * rstd;
        y.set(y_at + j, normal * weight[j] + (centred ? bias[j] : 0));
      }
    }
}

void run(const measure::SoftmaxKernel& kernel, void* const* operands) {
  const op::Softmax& s = kernel.softmax;
  const Elements x(s.dtype, operands[0]);
  const Elements y(s.dtype, operands[1]);
  std::vector<float> values(static_cast<std::size_t>(s.columns));
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const std::int64_t seen = s.columns - kernel.queries + 1 + row % kernel.queries;
    const std::int64_t end = kernel.causal ? std::clamp<std::int64_t>(seen, 0, s.columns) : s.columns;
    const std::int64_t first = kernel.window > 0 ? std::max<std::int64_t>(end - kernel.window, 0) : 0;
    std::fill(values.begin(), values.end(), 0.0f);
    float most = -INFINITY;
    for (std::int64_t j = first; j < end; ++j) most = std::max(most, kernel.scale * x[row * s.columns + j]);
    float sum = 0;
    for (std::int64_t j = first; j < end; ++j) {
      float& value = values[static_cast<std::size_t>(j)];
      value = std::exp(kernel.scale * x[row * s.columns + j] - most);
      sum += value;
    }
    for (std::int64_t j = 0; j < s.columns; ++j)
      y.set(row * s.columns + j, sum > 0 ? values[static_cast<std::size_t>(j)] / sum : 0);
  }
}

void run(const measure::SampleKernel& kernel, void* const* operands) {
  const Elements logits(kernel.element, operands[0]);
  const auto* parameters = static_cast<const measure::SampleParameters*>(operands[1]);
  auto* tokens = static_cast<std::int32_t*>(operands[2]);
  for (std::int64_t row = 0; row < kernel.rows; ++row) {
    const measure::SampleParameters& p = parameters[row];
    float most = -INFINITY;
    tokens[row] = 0;
    for (std::int64_t token = 0; token < kernel.vocab; ++token) {
      float value = logits[row * kernel.stride + token];
      if (p.temperature > 0)
        value = value / p.temperature + measure::gumbel_noise(p.seed, p.position, static_cast<std::int32_t>(token));
      if (value <= most || std::isnan(value)) continue;
      most = value;
      tokens[row] = static_cast<std::int32_t>(token);
    }
  }
}

}  // namespace gemmetry::backends::cpu
