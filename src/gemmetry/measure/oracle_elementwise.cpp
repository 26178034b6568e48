#include <algorithm>
#include <numbers>

#include "gemmetry/measure/oracle_families.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::measure {
namespace {

const double root_two_over_pi = std::sqrt(2 / std::numbers::pi);
constexpr double cubic = 0.044715;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

double activation(shape::Activation function, double x) {
  switch (function) {
    case shape::Activation::gelu:
      return gelu(x);
    case shape::Activation::relu:
      return std::max(x, 0.0);
    case shape::Activation::silu:
      return x * sigmoid(x);
  }
  return x;
}

double slope(shape::Activation function, double x) {
  switch (function) {
    case shape::Activation::gelu:
      return gelu_slope(x);
    case shape::Activation::relu:
      return x > 0 ? 1 : 0;
    case shape::Activation::silu:
      return sigmoid(x) * (1 + x * (1 - sigmoid(x)));
  }
  return 1;
}

/// Error of an activation or its slope at x, relative to the size of the parts it is made of.
double curve_error(const op::Activation& a, double x) {
  if (a.function == shape::Activation::relu) return 0;
  const double approximate = a.dtype == shape::Dtype::fp32 || a.dtype == shape::Dtype::tf32 ? fp32_error : tanh_error;
  return approximate * (std::fabs(x) + (a.backward ? 1 + x * x : 0));
}

}  // namespace

double gelu(double x) { return x / 2 * (1 + std::tanh(root_two_over_pi * (x + cubic * x * x * x))); }

double gelu_slope(double x) {
  const double t = std::tanh(root_two_over_pi * (x + cubic * x * x * x));
  return (1 + t) / 2 + x / 2 * (1 - t * t) * root_two_over_pi * (1 + 3 * cubic * x * x);
}

Results expect(const op::Activation& a, const Arrays& operands) {
  Results results(operands.size());
  const std::size_t size = operands[0].size();
  const std::size_t outputs = (a.gated ? 2 : 1) + (a.backward ? 1 : 0);
  results[outputs] = Expected(size);
  if (a.gated && a.backward) results[outputs + 1] = Expected(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double x = operands[0][i];
    const double up = a.gated ? operands[1][i] : 1;
    const double dy = a.backward ? operands[a.gated ? 2 : 1][i] : 1;
    const double f = activation(a.function, x);
    if (!a.backward) {
      results[outputs].set(i, f * up, (curve_error(a, x) + fp32_error * std::fabs(f)) * std::fabs(up));
      continue;
    }
    const double df = slope(a.function, x);
    const double scale = std::fabs(dy * up);
    results[outputs].set(i, dy * up * df, (curve_error(a, x) + fp32_error * std::fabs(df)) * scale);
    if (a.gated) results[outputs + 1].set(i, dy * f, (curve_error(a, x) + fp32_error * std::fabs(f)) * std::fabs(dy));
  }
  return results;
}

Results expect(const op::Rotary& r, const Arrays& operands) {
  Results results(operands.size());
  const std::vector<double>& before = operands[1];
  Expected& after = results[1] = Expected(before.size());
  after.values = before;
  const std::int64_t half = r.dim / 2;
  for (std::int64_t token = 0; token < r.tokens; ++token)
    for (std::int64_t head = 0; head < r.heads; ++head)
      for (std::int64_t i = 0; i < half; ++i) {
        const std::int64_t position = token % embedding_positions;
        const double c = operands[0][at(position, r.dim, 2 * i)];
        const double s = operands[0][at(position, r.dim, 2 * i + 1)] * (r.backward ? -1 : 1);
        const std::size_t first = at(token * r.heads + head, r.dim, i);
        const std::size_t second = first + static_cast<std::size_t>(half);
        const double x = before[first];
        const double y = before[second];
        after.set(first, x * c - y * s, 0x1p-22 * (std::fabs(x * c) + std::fabs(y * s)));
        after.set(second, y * c + x * s, 0x1p-22 * (std::fabs(y * c) + std::fabs(x * s)));
      }
  return results;
}

Results expect(const op::Residual& r, const Arrays& operands) {
  Results results(operands.size());
  const std::size_t size = operands[0].size();
  const double kept = static_cast<double>(dropout_scale);
  if (r.backward) {
    const std::size_t out = r.dropout ? 2 : 1;
    results[out] = Expected(size);
    for (std::size_t i = 0; i < size; ++i) {
      const double value = operands[0][i] * (r.dropout ? operands[1][i] * kept : 1);
      results[out].set(i, value, r.dropout ? 0x1p-23 * std::fabs(value) : 0);
    }
    return results;
  }
  const std::size_t out = r.bias ? 3 : 2;
  results[out] = Expected(size);
  if (r.dropout) results[out + 1] = Expected(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double bias = r.bias ? operands[2][i % static_cast<std::size_t>(r.width)] : 0;
    const bool keep = !r.dropout || dropout_keeps(i);
    const double factor = keep ? (r.dropout ? kept : 1) : 0;
    const double size_of_parts = std::fabs(operands[0][i]) + factor * (std::fabs(operands[1][i]) + std::fabs(bias));
    results[out].set(i, operands[0][i] + factor * (operands[1][i] + bias), 0x1p-22 * size_of_parts);
    if (r.dropout) results[out + 1].set(i, keep ? 1 : 0, 0);
  }
  return results;
}

Results expect(const op::Embedding& e, const Arrays& operands) {
  Results results(operands.size());
  const auto token = [&](std::int64_t i) {
    return static_cast<std::int64_t>(operands[0][static_cast<std::size_t>(i)]);
  };
  if (!e.backward) {
    const std::size_t out = e.positions ? 3 : 2;
    results[out] = Expected(static_cast<std::size_t>(e.tokens * e.width));
    for (std::int64_t i = 0; i < e.tokens; ++i)
      for (std::int64_t j = 0; j < e.width; ++j) {
        const double word = operands[1][at(token(i), e.width, j)];
        const double place = e.positions ? operands[2][at(i % embedding_positions, e.width, j)] : 0;
        const double error = e.positions ? 0x1p-23 * (std::fabs(word) + std::fabs(place)) : 0;
        results[out].set(at(i, e.width, j), word + place, error);
      }
    return results;
  }
  // Added by atomics, maybe in the table's own element: every addition rounds what is there by then.
  const auto scatter = [&](std::size_t table, auto row_of) {
    Expected& after = results[table] = Expected(operands[table].size());
    const Element element = element_of(e.dtype);
    std::vector<double> passed(after.values.size());
    std::vector<double> additions(after.values.size());
    after.values = operands[table];
    for (std::size_t at_table = 0; at_table < passed.size(); ++at_table)
      passed[at_table] = std::fabs(after.values[at_table]);
    for (std::int64_t i = 0; i < e.tokens; ++i)
      for (std::int64_t j = 0; j < e.width; ++j) {
        const double gradient = operands[1][at(i, e.width, j)];
        const std::size_t to = at(row_of(i), e.width, j);
        after.values[to] += gradient;
        passed[to] += std::fabs(gradient);
        additions[to] += 1;
      }
    for (std::size_t to = 0; to < passed.size(); ++to)
      if (additions[to] > 0) after.errors[to] = additions_error(element, passed[to], additions[to]);
  };
  scatter(2, token);
  if (e.positions) scatter(3, [](std::int64_t i) { return i % embedding_positions; });
  return results;
}

Results expect(const op::Optimizer& o, const Arrays& operands) {
  Results results(operands.size());
  const AdamW adam;
  const double beta1 = static_cast<double>(adam.beta1);
  const double beta2 = static_cast<double>(adam.beta2);
  const double rate = static_cast<double>(adam.learning_rate);
  const std::size_t size = operands[0].size();
  const bool narrow = element_of(o.dtype) != Element::fp32;
  for (std::size_t out = 1; out < (narrow ? 5 : 4); ++out) results[out] = Expected(size);
  for (std::size_t i = 0; i < size; ++i) {
    const double g = operands[0][i];
    const double weight = operands[1][i];
    const double first = beta1 * operands[2][i] + (1 - beta1) * g;
    const double second = beta2 * operands[3][i] + (1 - beta2) * g * g;
    const double root = std::sqrt(second / (1 - beta2)) + static_cast<double>(adam.epsilon);
    const double step = first / (1 - beta1) / root + static_cast<double>(adam.decay) * weight;
    const double first_parts = beta1 * std::fabs(operands[2][i]) + (1 - beta1) * std::fabs(g);
    const double step_parts = first_parts / (1 - beta1) / root + std::fabs(static_cast<double>(adam.decay) * weight);
    const double after = weight - rate * step;
    const double error = 0x1p-23 * std::fabs(weight) + rate * fp32_error * step_parts;
    results[1].set(i, after, error);
    results[2].set(i, first, 0x1p-22 * first_parts);
    results[3].set(i, second, 0x1p-22 * second);
    if (narrow) results[4].set(i, after, error);
  }
  return results;
}

Results expect(const op::Pointwise& p, const Arrays& operands) {
  Results results(operands.size());
  const std::vector<Operand> described = measure::operands(op::Operator(p));
  if (described.empty() || described.back().use == Use::in) return results;
  const bool reads = described.size() == 2;
  const std::size_t out = described.size() - 1;
  const std::size_t inputs = reads ? operands[0].size() : 0;
  const std::size_t outputs = static_cast<std::size_t>(described[out].elements());
  results[out] = Expected(outputs);
  for (std::size_t i = 0; i < outputs; ++i) {
    Sum sum;
    if (inputs >= outputs)
      for (std::size_t from = i; from < inputs; from += outputs) sum.add(operands[0][from]);
    else if (inputs > 0)
      sum.add(operands[0][i % inputs]);
    double value = sum.value;
    double error = sum.terms > 1 ? sum_error(sum) : 0;
    if (p.function == op::Function::scale) {
      value *= static_cast<double>(softmax_scale);
      error *= static_cast<double>(softmax_scale);
    } else if (p.function == op::Function::soft_cap) {
      value = 30 * std::tanh(sum.value / 30);
      error += (described[out].element == Element::fp32 ? fp32_error : tanh_error) * std::fabs(sum.value);
    }
    results[out].set(i, value, error);
  }
  return results;
}

}  // namespace gemmetry::measure
