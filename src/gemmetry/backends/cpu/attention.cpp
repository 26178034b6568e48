#include <algorithm>
#include <cmath>
#include <vector>

#include "gemmetry/backends/cpu/kernels.h"

namespace gemmetry::backends::cpu {
namespace {

float dot(const float* x, const float* y, std::int64_t size) {
  float sum = 0;
  for (std::int64_t i = 0; i < size; ++i) sum += x[i] * y[i];
  return sum;
}

void add_scaled(float* to, float factor, const float* from, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) to[i] += factor * from[i];
}

/// One query of one head: where its rows lie and which keys it sees.
struct Query {
  std::int64_t q = 0;
  std::int64_t o = 0;
  std::int64_t statistic = 0;
  std::int64_t first_key = 0;
  std::int64_t end_key = 0;
  std::int64_t k = 0;  ///< of the sequence's first key; the next is k_stride on
  std::int64_t v = 0;
  std::int64_t k_stride = 0;
  std::int64_t v_stride = 0;
};

template <class Visit>
void each_query(const op::Attention& a, Visit visit) {
  for (std::int64_t sequence = 0; sequence < a.batch; ++sequence)
    for (std::int64_t head = 0; head < a.heads; ++head)
      for (std::int64_t i = 0; i < a.queries; ++i) {
        const std::int64_t row = (sequence * a.queries + i) * a.heads + head;
        const std::int64_t kv_row = sequence * a.keys * a.kv_heads + head / (a.heads / a.kv_heads);
        const std::int64_t position = a.keys - a.queries + i;
        Query query{.q = row * a.head_dim,
                    .o = row * a.value_dim,
                    .statistic = (sequence * a.heads + head) * a.queries + i,
                    .k = kv_row * a.head_dim,
                    .v = kv_row * a.value_dim,
                    .k_stride = a.kv_heads * a.head_dim,
                    .v_stride = a.kv_heads * a.value_dim};
        query.end_key = a.causal ? std::clamp<std::int64_t>(position + 1, 0, a.keys) : a.keys;
        if (a.window > 0) query.first_key = std::clamp<std::int64_t>(position - a.window + 1, 0, query.end_key);
        visit(query);
      }
}

void forward(const op::Attention& a, const Arrays& arrays, float* o, float* log_sum_exp) {
  const float scale = 1 / std::sqrt(static_cast<float>(a.head_dim));
  std::vector<float> p(static_cast<std::size_t>(a.keys));
  each_query(a, [&](const Query& query) {
    float most = -INFINITY;
    for (std::int64_t key = query.first_key; key < query.end_key; ++key) {
      float& score = p[static_cast<std::size_t>(key)];
      score = scale * dot(arrays[0].values + query.q, arrays[1].values + query.k + key * query.k_stride, a.head_dim);
      most = std::max(most, score);
    }
    float sum = 0;
    float* out = o + query.o;
    std::fill_n(out, a.value_dim, 0.0f);
    for (std::int64_t key = query.first_key; key < query.end_key; ++key) {
      const float weight = std::exp(p[static_cast<std::size_t>(key)] - most);
      sum += weight;
      add_scaled(out, weight, arrays[2].values + query.v + key * query.v_stride, a.value_dim);
    }
    for (std::int64_t c = 0; sum > 0 && c < a.value_dim; ++c) out[c] /= sum;
    if (log_sum_exp) log_sum_exp[query.statistic] = most + std::log(sum);
  });
}

void backward(const op::Attention& a, const Arrays& arrays) {
  const float* q = arrays[0].values;
  const float* o = arrays[3].values;
  const float* gradient = arrays[5].values;
  float* dq = arrays[6].values;
  float* dk = arrays[7].values;
  float* dv = arrays[8].values;
  std::fill_n(dq, a.batch * a.queries * a.heads * a.head_dim, 0.0f);
  std::fill_n(dk, a.batch * a.keys * a.kv_heads * a.head_dim, 0.0f);
  std::fill_n(dv, a.batch * a.keys * a.kv_heads * a.value_dim, 0.0f);
  const float scale = 1 / std::sqrt(static_cast<float>(a.head_dim));
  each_query(a, [&](const Query& query) {
    const float delta = dot(gradient + query.o, o + query.o, a.value_dim);
    for (std::int64_t key = query.first_key; key < query.end_key; ++key) {
      const std::int64_t k_at = query.k + key * query.k_stride;
      const std::int64_t v_at = query.v + key * query.v_stride;
      const float* k = arrays[1].values + k_at;
      const float p = std::exp(scale * dot(q + query.q, k, a.head_dim) - arrays[4].values[query.statistic]);
      const float ds = scale * p * (dot(gradient + query.o, arrays[2].values + v_at, a.value_dim) - delta);
      add_scaled(dq + query.q, ds, k, a.head_dim);
      add_scaled(dk + k_at, ds, q + query.q, a.head_dim);
      add_scaled(dv + v_at, p, gradient + query.o, a.value_dim);
    }
  });
}

}  // namespace

void run(const op::Attention& a, const Arrays& arrays) {
  if (a.backward)
    backward(a, arrays);
  else
    forward(a, arrays, arrays[3].values, a.queries > 1 ? arrays[4].values : nullptr);
}

void prepare(const op::Attention& a, const Arrays& arrays) {
  if (a.backward) forward(a, arrays, arrays[3].values, arrays[4].values);
}

}  // namespace gemmetry::backends::cpu
