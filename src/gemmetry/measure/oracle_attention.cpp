#include <algorithm>

#include "gemmetry/measure/oracle_families.h"
#include "gemmetry/measure/rounding.h"

// Scores are sums over the head dimension, in fp32. Good kernels keep unnormalised probabilities exp(s - max), and in
// the backward pass probabilities and gradients of scores, in the operands' element before the next product.

namespace gemmetry::measure {
namespace {

/// The keys [first, end) that a query sees.
struct Seen {
  std::int64_t first;
  std::int64_t end;
};

Seen seen(const op::Attention& a, std::int64_t query) {
  const std::int64_t position = a.keys - a.queries + query;
  const std::int64_t end = a.causal ? std::clamp<std::int64_t>(position + 1, 0, a.keys) : a.keys;
  const std::int64_t first = a.window > 0 ? std::clamp<std::int64_t>(position - a.window + 1, 0, end) : 0;
  return {first, end};
}

/// Where the rows of one query head of one sequence lie.
struct Head {
  const op::Attention& a;
  std::int64_t sequence;
  std::int64_t head;

  std::int64_t kv_head() const { return head / (a.heads / a.kv_heads); }
  std::size_t q(std::int64_t query) const { return at(sequence * a.queries + query, a.heads, head) * size(a.head_dim); }
  std::size_t o(std::int64_t query) const {
    return at(sequence * a.queries + query, a.heads, head) * size(a.value_dim);
  }
  std::size_t k(std::int64_t key) const {
    return at(sequence * a.keys + key, a.kv_heads, kv_head()) * size(a.head_dim);
  }
  std::size_t v(std::int64_t key) const {
    return at(sequence * a.keys + key, a.kv_heads, kv_head()) * size(a.value_dim);
  }
  std::size_t statistic(std::int64_t query) const { return at(sequence * a.heads + head, a.queries, query); }
  static std::size_t size(std::int64_t dim) { return static_cast<std::size_t>(dim); }
};

template <class Visit>
void each_head(const op::Attention& a, Visit visit) {
  for (std::int64_t sequence = 0; sequence < a.batch; ++sequence)
    for (std::int64_t head = 0; head < a.heads; ++head) visit(Head{a, sequence, head});
}

Sum dot(const std::vector<double>& x, std::size_t x_at, const std::vector<double>& y, std::size_t y_at,
        std::int64_t dim) {
  Sum sum;
  for (std::size_t i = 0; i < static_cast<std::size_t>(dim); ++i) sum.add(x[x_at + i] * y[y_at + i]);
  return sum;
}

/// One query's softmax over the keys it sees.
struct Probabilities {
  Seen keys;
  std::vector<double> values;
  std::vector<double> errors;  ///< of fp32 arithmetic
  double least_rounding = 0;   ///< of one kept in the element before it is divided by the sum
  Uncertain log_sum;
};

Probabilities probabilities(const Head& at_head, std::int64_t query, const Arrays& operands) {
  const op::Attention& a = at_head.a;
  Probabilities p{.keys = seen(a, query)};
  const std::size_t count = static_cast<std::size_t>(p.keys.end - p.keys.first);
  p.values.resize(count);
  p.errors.resize(count);
  const double scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  double most = -INFINITY;
  double worst = 0;
  for (std::size_t j = 0; j < count; ++j) {
    const std::size_t key = at_head.k(p.keys.first + static_cast<std::int64_t>(j));
    const Sum score = dot(operands[0], at_head.q(query), operands[1], key, a.head_dim);
    p.values[j] = scale * score.value;
    p.errors[j] = scale * product_error(score, a.dtype);
    most = std::max(most, p.values[j]);
    worst = std::max(worst, p.errors[j]);
  }
  Sum sum;
  for (std::size_t j = 0; j < count; ++j) {
    const double relative = p.errors[j] + worst + exp_error(std::fabs(p.values[j]) + std::fabs(most));
    p.values[j] = std::exp(p.values[j] - most);
    p.errors[j] = p.values[j] * relative;
    sum.add(p.values[j], p.errors[j]);
  }
  const double relative = sum_error(sum) / sum.value + fp32_error;
  for (std::size_t j = 0; j < count; ++j) {
    p.values[j] /= sum.value;
    p.errors[j] = p.errors[j] / sum.value + p.values[j] * relative;
  }
  p.least_rounding = half_ulp(element_of(a.dtype), 0) / sum.value;
  p.log_sum.value = most + std::log(sum.value);
  p.log_sum.error = worst + relative + fp32_error * (1 + std::fabs(most));
  return p;
}

Results forward(const op::Attention& a, const Arrays& operands) {
  Results results(a.queries > 1 ? 5 : 4);
  const std::size_t dim = static_cast<std::size_t>(a.value_dim);
  results[3] = Expected(static_cast<std::size_t>(a.batch * a.queries * a.heads) * dim);
  if (a.queries > 1) results[4] = Expected(static_cast<std::size_t>(a.batch * a.heads * a.queries));
  const double kept = kept_error(a.dtype);
  each_head(a, [&](const Head& head) {
    for (std::int64_t query = 0; query < a.queries; ++query) {
      const Probabilities p = probabilities(head, query, operands);
      if (a.queries > 1) results[4].set(head.statistic(query), p.log_sum.value, p.log_sum.error);
      for (std::size_t c = 0; c < dim; ++c) {
        Sum sum;
        for (std::size_t j = 0; j < p.values.size(); ++j) {
          const double v = operands[2][head.v(p.keys.first + static_cast<std::int64_t>(j)) + c];
          sum.add(p.values[j] * v, std::fabs(v) * (p.errors[j] + kept * p.values[j] + p.least_rounding));
        }
        const double error = product_error(sum, a.dtype) + fp32_error * std::fabs(sum.value);
        results[3].set(head.o(query) + c, sum.value, error);
      }
    }
  });
  return results;
}

/// Sums of every element of a gradient.
struct Sums {
  std::vector<Sum> sums;
  std::vector<double> common;  ///< errors that a row's terms share
  explicit Sums(std::size_t size) : sums(size), common(size) {}

  Expected expected(shape::Dtype dtype, double scale) const {
    Expected e(sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i)
      e.set(i, scale * sums[i].value,
            scale * (product_error(sums[i], dtype) + common[i] + fp32_error * std::fabs(sums[i].value)));
    return e;
  }
};

/// With p = exp(s - log_sum_exp), dp = do v^T and delta = the row's do . o:
/// ds = p (dp - delta); dq = scale ds k; dk = scale ds^T q; dv = p^T do.
Results backward(const op::Attention& a, const Arrays& operands) {
  Results results(9);
  const Expected o = forward(a, operands)[3];
  const Element element = element_of(a.dtype);
  const double kept = kept_error(a.dtype);
  const std::size_t head_dim = static_cast<std::size_t>(a.head_dim);
  const std::size_t value_dim = static_cast<std::size_t>(a.value_dim);
  Sums dq(operands[0].size());
  Sums dk(operands[1].size());
  Sums dv(operands[2].size());
  each_head(a, [&](const Head& head) {
    for (std::int64_t query = 0; query < a.queries; ++query) {
      const Probabilities p = probabilities(head, query, operands);
      const std::size_t q_at = head.q(query);
      const std::size_t o_at = head.o(query);
      Sum delta;
      for (std::size_t c = 0; c < value_dim; ++c) {
        const double gradient = operands[5][o_at + c];
        const double o_error = bound(element, o.values[o_at + c], o.errors[o_at + c]);
        delta.add(gradient * o.values[o_at + c], std::fabs(gradient) * o_error);
      }
      const double delta_error = sum_error(delta);
      for (std::size_t j = 0; j < p.values.size(); ++j) {
        const std::int64_t key = p.keys.first + static_cast<std::int64_t>(j);
        const std::size_t k_at = head.k(key);
        const std::size_t v_at = head.v(key);
        const Sum dp = dot(operands[5], o_at, operands[2], v_at, a.value_dim);
        const double slope = dp.value - delta.value;
        const double ds = p.values[j] * slope;
        // Beside the error of delta, which all keys of the query share.
        const double ds_error =
            p.values[j] * (product_error(dp, a.dtype) + 0x1p-22 * (std::fabs(dp.value) + std::fabs(delta.value))) +
            p.errors[j] * std::fabs(slope) + kept * std::fabs(ds) + half_ulp(element_of(a.dtype), 0);
        const double p_error = p.errors[j] + kept * p.values[j] + half_ulp(element_of(a.dtype), 0);
        const double shared = p.values[j] * delta_error;
        for (std::size_t c = 0; c < head_dim; ++c) {
          const double k = operands[1][k_at + c];
          const double q = operands[0][q_at + c];
          dq.sums[q_at + c].add(ds * k, ds_error * std::fabs(k));
          dq.common[q_at + c] += shared * std::fabs(k);
          dk.sums[k_at + c].add(ds * q, (ds_error + shared) * std::fabs(q));
        }
        for (std::size_t c = 0; c < value_dim; ++c) {
          const double gradient = operands[5][o_at + c];
          dv.sums[v_at + c].add(p.values[j] * gradient, p_error * std::fabs(gradient));
        }
      }
    }
  });
  const double scale = 1 / std::sqrt(static_cast<double>(a.head_dim));
  results[6] = dq.expected(a.dtype, scale);
  results[7] = dk.expected(a.dtype, scale);
  results[8] = dv.expected(a.dtype, 1);
  // Grouped: each head's share, about the norm of its terms, may be rounded before the shares are added.
  if (a.heads > a.kv_heads)
    for (std::size_t out = 7; out < 9; ++out) {
      const Sums& sums = out == 7 ? dk : dv;
      for (std::size_t i = 0; i < sums.sums.size(); ++i) {
        const double share = sums.sums[i].norm() + std::fabs(sums.sums[i].value);
        results[out].errors[i] += 3 * kept * share * (out == 7 ? scale : 1);
      }
    }
  return results;
}

}  // namespace

Results expect(const op::Attention& attention, const Arrays& operands) {
  return attention.backward ? backward(attention, operands) : forward(attention, operands);
}

}  // namespace gemmetry::measure
