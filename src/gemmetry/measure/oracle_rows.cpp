#include <algorithm>
#include <span>

#include "gemmetry/measure/oracle_families.h"

// Operators that reduce rows: norms, softmax, cross-entropy.

namespace gemmetry::measure {
namespace {

using Row = std::span<const double>;

Row row_of(const std::vector<double>& array, std::int64_t row, std::int64_t columns) {
  return Row(array).subspan(static_cast<std::size_t>(row * columns), static_cast<std::size_t>(columns));
}

/// What a norm knows of a row: its mean (0 for RMSNorm), 1 / its deviation, and their errors.
struct Statistics {
  Uncertain mean;
  Uncertain rstd;
};

Statistics statistics(Row x, bool centred) {
  const double width = static_cast<double>(x.size());
  Statistics s;
  Sum plain_squares;
  if (centred) {
    Sum sum;
    for (const double value : x) sum.add(value);
    s.mean = {sum.value / width, sum_error(sum) / width + 0x1p-23 * std::fabs(sum.value / width)};
  }
  Sum squares;
  for (const double value : x) {
    squares.add((value - s.mean.value) * (value - s.mean.value));
    plain_squares.add(value * value);
  }
  // A kernel may take the squares' mean less the mean's square: the error is that of the larger number.
  const double variance = squares.value / width;
  const double error =
      (sum_error(centred ? plain_squares : squares) + (centred ? 0x1p-22 * plain_squares.value : 0)) / width +
      2 * std::fabs(s.mean.value) * s.mean.error;
  s.rstd.value = 1 / std::sqrt(variance + norm_epsilon);
  const double relative = std::min(error / (2 * (variance + norm_epsilon)), 1.0);
  s.rstd.error = s.rstd.value * (relative + fp32_error / 2);
  return s;
}

void put_statistics(const Statistics& s, bool centred, std::size_t row, std::size_t out, Results& results) {
  if (centred) results[out++].set(row, s.mean.value, s.mean.error);
  results[out].set(row, s.rstd.value, s.rstd.error);
}

Results norm_forward(const op::Norm& n, const Arrays& operands) {
  const bool centred = n.norm == shape::NormKind::layer_norm;
  const std::vector<double>& weight = operands[1];
  const std::size_t y = centred ? 3 : 2;
  Results results(operands.size());
  results[y] = Expected(operands[0].size());
  for (std::size_t out = y + 1; out < results.size(); ++out) results[out] = Expected(static_cast<std::size_t>(n.rows));
  for (std::int64_t row = 0; row < n.rows; ++row) {
    const Row x = row_of(operands[0], row, n.width);
    const Statistics s = statistics(x, centred);
    put_statistics(s, centred, static_cast<std::size_t>(row), y + 1, results);
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double bias = centred ? operands[2][j] : 0;
      const double distance = x[j] - s.mean.value;
      const double scaled = distance * s.rstd.value * weight[j];
      const double error = std::fabs(weight[j]) * (s.mean.error * s.rstd.value + std::fabs(distance) * s.rstd.error) +
                           0x1p-22 * (std::fabs(scaled) + std::fabs(bias)) +
                           0x1p-23 * std::fabs(weight[j] * s.rstd.value) * (std::fabs(x[j]) + std::fabs(s.mean.value));
      results[y].set(at(row, n.width, static_cast<std::int64_t>(j)), scaled + bias, error);
    }
  }
  return results;
}

Results norm_backward(const op::Norm& n, const Arrays& operands) {
  const bool centred = n.norm == shape::NormKind::layer_norm;
  const std::vector<double>& weight = operands[1];
  const std::size_t dx = centred ? 5 : 4;
  const std::size_t width = static_cast<std::size_t>(n.width);
  Results results(operands.size());
  results[dx] = Expected(operands[0].size());
  std::vector<Sum> weight_sums(width);
  std::vector<Sum> bias_sums(width);
  for (std::int64_t row = 0; row < n.rows; ++row) {
    const Row x = row_of(operands[0], row, n.width);
    const Row dy = row_of(operands[2], row, n.width);
    const Statistics s = statistics(x, centred);
    const double rstd = s.rstd.value;
    const double relative = s.rstd.error / rstd + fp32_error;
    const auto normal = [&](std::size_t j) {
      const double value = (x[j] - s.mean.value) * rstd;
      const double mean_part = (s.mean.error + 0x1p-23 * (std::fabs(x[j]) + std::fabs(s.mean.value))) * rstd;
      return Uncertain{value, mean_part + std::fabs(value) * relative};
    };
    Sum plain;
    Sum along;
    for (std::size_t j = 0; j < width; ++j) {
      const Uncertain xhat = normal(j);
      const double g = dy[j] * weight[j];
      plain.add(g, 0x1p-23 * std::fabs(g));
      along.add(g * xhat.value, std::fabs(g) * xhat.error);
      weight_sums[j].add(dy[j] * xhat.value, std::fabs(dy[j]) * xhat.error);
      bias_sums[j].add(dy[j]);
    }
    const double size = static_cast<double>(n.width);
    const Uncertain mean{centred ? plain.value / size : 0, centred ? sum_error(plain) / size : 0};
    // The statistics' error is common to the terms, which adds them up instead of letting them walk.
    const Uncertain slant{
        along.value / size,
        (sum_error(along) + relative * std::fabs(along.value) + s.mean.error * rstd * std::fabs(plain.value)) / size};
    for (std::size_t j = 0; j < width; ++j) {
      const Uncertain xhat = normal(j);
      const double g = dy[j] * weight[j];
      const double parts = std::fabs(g) + std::fabs(mean.value) + std::fabs(xhat.value * slant.value);
      const double error = rstd * (mean.error + std::fabs(xhat.value) * slant.error +
                                   std::fabs(slant.value) * xhat.error + relative * parts);
      results[dx].set(at(row, n.width, static_cast<std::int64_t>(j)),
                      rstd * (g - mean.value - xhat.value * slant.value), error);
    }
  }
  for (std::size_t out = dx + 1; out < results.size(); ++out) {
    const std::vector<Sum>& sums = out == dx + 1 ? weight_sums : bias_sums;
    results[out] = Expected(width);
    for (std::size_t j = 0; j < width; ++j) results[out].set(j, sums[j].value, sum_error(sums[j]));
  }
  return results;
}

/// Maximum and sum of exponentials beyond it, of the scaled row.
struct Exponentials {
  double most = -INFINITY;
  Sum sum;
  Uncertain log_sum;  ///< of the exponentials of the row itself
};

Exponentials exponentials(Row x, double scale) {
  Exponentials e;
  for (const double value : x) e.most = std::max(e.most, scale * value);
  for (const double value : x) {
    const double p = std::exp(scale * value - e.most);
    e.sum.add(p, p * exp_error(std::fabs(scale * value) + std::fabs(e.most)));
  }
  e.log_sum.value = e.most + std::log(e.sum.value);
  // Natural logarithms come from the binary one: their error is that of numbers about one.
  e.log_sum.error = sum_error(e.sum) / e.sum.value + fp32_error * (1 + std::fabs(e.log_sum.value) / 4);
  return e;
}

Results softmax_forward(const op::Softmax& s, const Arrays& operands) {
  Results results(operands.size());
  results[1] = Expected(operands[0].size());
  const double scale = s.masked ? static_cast<double>(softmax_scale) : 1;
  for (std::int64_t row = 0; s.columns > 0 && row < s.rows; ++row) {
    const std::int64_t visible = softmax_visible(s, row);
    const Row x = row_of(operands[0], row, s.columns).first(static_cast<std::size_t>(visible));
    const Exponentials e = exponentials(x, scale);
    for (std::int64_t j = 0; j < visible; ++j) {
      const double argument = scale * x[static_cast<std::size_t>(j)];
      const double y = std::exp(argument - e.most) / e.sum.value;
      const double relative =
          exp_error(std::fabs(argument) + std::fabs(e.most)) + sum_error(e.sum) / e.sum.value + fp32_error;
      results[1].set(at(row, s.columns, j), y, y * relative);
    }
  }
  return results;
}

Results softmax_backward(const op::Softmax& s, const Arrays& operands) {
  Results results(operands.size());
  results[2] = Expected(operands[0].size());
  const double scale = s.masked ? static_cast<double>(softmax_scale) : 1;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    const Row y = row_of(operands[0], row, s.columns);
    const Row dy = row_of(operands[1], row, s.columns);
    Sum dot;
    for (std::size_t j = 0; j < y.size(); ++j) dot.add(y[j] * dy[j]);
    for (std::size_t j = 0; j < y.size(); ++j) {
      const double parts = std::fabs(dy[j]) + std::fabs(dot.value);
      results[2].set(at(row, s.columns, static_cast<std::int64_t>(j)), scale * y[j] * (dy[j] - dot.value),
                     scale * std::fabs(y[j]) * (sum_error(dot) + 0x1p-22 * parts));
    }
  }
  return results;
}

}  // namespace

Results expect(const op::Norm& norm, const Arrays& operands) {
  return norm.backward ? norm_backward(norm, operands) : norm_forward(norm, operands);
}

Results expect(const op::Softmax& softmax, const Arrays& operands) {
  return softmax.backward ? softmax_backward(softmax, operands) : softmax_forward(softmax, operands);
}

Results expect(const op::CrossEntropy& c, const Arrays& operands) {
  Results results(operands.size());
  const std::size_t rows = static_cast<std::size_t>(c.rows);
  for (std::size_t out = c.backward ? 3 : 2; out < results.size(); ++out)
    results[out] = Expected(c.backward ? operands[0].size() : rows);
  for (std::int64_t row = 0; c.vocab > 0 && row < c.rows; ++row) {
    const Row x = row_of(operands[0], row, c.vocab);
    const Exponentials e = exponentials(x, 1);
    const std::size_t here = static_cast<std::size_t>(row);
    const std::int64_t target = static_cast<std::int64_t>(operands[1][here]);
    if (!c.backward) {
      const double logit = x[static_cast<std::size_t>(target)];
      results[2].set(here, e.log_sum.value - logit,
                     e.log_sum.error + 0x1p-23 * (std::fabs(logit) + std::fabs(e.log_sum.value)));
      results[3].set(here, e.log_sum.value, e.log_sum.error);
      continue;
    }
    for (std::int64_t j = 0; j < c.vocab; ++j) {
      const double logit = x[static_cast<std::size_t>(j)];
      const double p = std::exp(logit - e.log_sum.value);
      const double relative = exp_error(std::fabs(logit) + std::fabs(e.log_sum.value)) + e.log_sum.error;
      results[3].set(at(row, c.vocab, j), p - (j == target ? 1 : 0), p * relative + (j == target ? 0x1p-23 : 0));
    }
  }
  return results;
}

}  // namespace gemmetry::measure
