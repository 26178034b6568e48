#include <algorithm>
#include <cmath>
#include <vector>

#include "gemmetry/backends/cpu/kernels.h"

// Operators that reduce rows: norms, softmax, cross-entropy.

namespace gemmetry::backends::cpu {
namespace {

struct Statistics {
  float mean = 0;
  float rstd = 0;
};

Statistics statistics(const float* x, std::int64_t width, bool centred) {
  Statistics s;
  if (centred) {
    for (std::int64_t j = 0; j < width; ++j) s.mean += x[j];
    s.mean /= static_cast<float>(width);
  }
  float squares = 0;
  for (std::int64_t j = 0; j < width; ++j) squares += (x[j] - s.mean) * (x[j] - s.mean);
  s.rstd = 1 / std::sqrt(squares / static_cast<float>(width) + static_cast<float>(measure::norm_epsilon));
  return s;
}

/// Where the statistics stand, `first` and, of a LayerNorm, the one after it.
void keep(const Statistics& s, std::int64_t row, bool centred, std::size_t first, const Arrays& arrays) {
  if (centred) arrays[first++].values[row] = s.mean;
  arrays[first].values[row] = s.rstd;
}

void norm_forward(const op::Norm& n, const Arrays& arrays) {
  const bool centred = n.norm == shape::NormKind::layer_norm;
  const std::size_t y = centred ? 3 : 2;
  for (std::int64_t row = 0; row < n.rows; ++row) {
    const float* x = arrays[0].values + row * n.width;
    const Statistics s = statistics(x, n.width, centred);
    keep(s, row, centred, y + 1, arrays);
    for (std::int64_t j = 0; j < n.width; ++j)
      arrays[y].values[row * n.width + j] =
          (x[j] - s.mean) * s.rstd * arrays[1].values[j] + (centred ? arrays[2].values[j] : 0);
  }
}

void norm_backward(const op::Norm& n, const Arrays& arrays) {
  const bool centred = n.norm == shape::NormKind::layer_norm;
  const std::size_t rstds = centred ? 4 : 3;
  const float* weight = arrays[1].values;
  float* weight_gradient = arrays[rstds + 2].values;
  float* bias_gradient = centred ? arrays[rstds + 3].values : nullptr;
  std::fill_n(weight_gradient, n.width, 0.0f);
  if (centred) std::fill_n(bias_gradient, n.width, 0.0f);
  for (std::int64_t row = 0; row < n.rows; ++row) {
    const float* x = arrays[0].values + row * n.width;
    const float* dy = arrays[2].values + row * n.width;
    float* dx = arrays[rstds + 1].values + row * n.width;
    const float mean = centred ? arrays[3].values[row] : 0;
    const float rstd = arrays[rstds].values[row];
    float plain = 0;
    float slant = 0;
    for (std::int64_t j = 0; j < n.width; ++j) {
      const float normal = (x[j] - mean) * rstd;
      plain += dy[j] * weight[j];
      slant += dy[j] * weight[j] * normal;
      weight_gradient[j] += dy[j] * normal;
      if (centred) bias_gradient[j] += dy[j];
    }
    plain = centred ? plain / static_cast<float>(n.width) : 0;
    slant /= static_cast<float>(n.width);
    for (std::int64_t j = 0; j < n.width; ++j)
      dx[j] = rstd * (dy[j] * weight[j] - plain - (x[j] - mean) * rstd * slant);
  }
}

/// Largest of the scaled elements, and the sum of the exponentials beyond it.
struct Exponentials {
  float most = -INFINITY;
  float sum = 0;

  float log_sum() const { return most + std::log(sum); }
};

Exponentials exponentials(const float* x, std::int64_t count, float scale) {
  Exponentials e;
  for (std::int64_t j = 0; j < count; ++j) e.most = std::max(e.most, scale * x[j]);
  for (std::int64_t j = 0; j < count; ++j) e.sum += std::exp(scale * x[j] - e.most);
  return e;
}

void softmax_forward(const op::Softmax& s, const Arrays& arrays) {
  const float scale = s.masked ? measure::softmax_scale : 1;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const std::int64_t visible = measure::softmax_visible(s, row);
    const float* x = arrays[0].values + row * s.columns;
    float* y = arrays[1].values + row * s.columns;
    const Exponentials e = exponentials(x, visible, scale);
    for (std::int64_t j = 0; j < visible; ++j) y[j] = std::exp(scale * x[j] - e.most) / e.sum;
    std::fill(y + visible, y + s.columns, 0.0f);
  }
}

void softmax_backward(const op::Softmax& s, const Arrays& arrays) {
  const float scale = s.masked ? measure::softmax_scale : 1;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const float* y = arrays[0].values + row * s.columns;
    const float* dy = arrays[1].values + row * s.columns;
    float* dx = arrays[2].values + row * s.columns;
    float dot = 0;
    for (std::int64_t j = 0; j < s.columns; ++j) dot += y[j] * dy[j];
    for (std::int64_t j = 0; j < s.columns; ++j) dx[j] = scale * y[j] * (dy[j] - dot);
  }
}

}  // namespace

void run(const op::Norm& norm, const Arrays& arrays) {
  norm.backward ? norm_backward(norm, arrays) : norm_forward(norm, arrays);
}

void prepare(const op::Norm& n, const Arrays& arrays) {
  if (!n.backward) return;
  const bool centred = n.norm == shape::NormKind::layer_norm;
  for (std::int64_t row = 0; row < n.rows; ++row)
    keep(statistics(arrays[0].values + row * n.width, n.width, centred), row, centred, 3, arrays);
}

void run(const op::Softmax& softmax, const Arrays& arrays) {
  softmax.backward ? softmax_backward(softmax, arrays) : softmax_forward(softmax, arrays);
}

void run(const op::CrossEntropy& c, const Arrays& arrays) {
  const std::int32_t* targets = arrays[1].indices();
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const float* logits = arrays[0].values + row * c.vocab;
    if (c.backward) {
      float* gradient = arrays[3].values + row * c.vocab;
      for (std::int64_t j = 0; j < c.vocab; ++j) gradient[j] = std::exp(logits[j] - arrays[2].values[row]);
      gradient[targets[row]] -= 1;
    } else {
      const float log_sum = exponentials(logits, c.vocab, 1).log_sum();
      arrays[2].values[row] = log_sum - logits[targets[row]];
      arrays[3].values[row] = log_sum;
    }
  }
}

void prepare(const op::CrossEntropy& c, const Arrays& arrays) {
  for (std::int64_t row = 0; c.backward && row < c.rows; ++row)
    arrays[2].values[row] = exponentials(arrays[0].values + row * c.vocab, c.vocab, 1).log_sum();
}

}  // namespace gemmetry::backends::cpu
