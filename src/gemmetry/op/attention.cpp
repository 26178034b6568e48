#include "gemmetry/op/attention.h"

#include <algorithm>

namespace gemmetry::op {

double unmasked_pairs(const Attention& a) {
  const double queries = static_cast<double>(a.queries);
  const double keys = static_cast<double>(a.keys);
  const double window = a.window > 0 ? std::min(static_cast<double>(a.window), keys) : keys;
  if (!a.causal) return queries * window;
  // Query i (from 1) of the last `queries` positions sees min(window, keys - queries + i) keys.
  const double first = keys - queries + 1;
  const double growing = std::clamp(window - first + 1, 0.0, queries);  // queries that see all keys before them
  return growing * (first + first + growing - 1) / 2 + (queries - growing) * window;
}

double flop(const Attention& a) {
  const double heads = static_cast<double>(a.batch) * static_cast<double>(a.heads);
  const double qk = static_cast<double>(a.head_dim);
  const double pv = static_cast<double>(a.value_dim);
  // Forward: q k^T and p v. Backward: q k^T again, dp = do v^T, dv = p^T do, dq = ds k, dk = ds^T q.
  const double per_pair = a.backward ? 2 * (3 * qk + 2 * pv) : 2 * (qk + pv);
  return heads * unmasked_pairs(a) * per_pair;
}

double bytes(const Attention& a) {
  const double batch = static_cast<double>(a.batch);
  const double query_rows = batch * static_cast<double>(a.queries) * static_cast<double>(a.heads);
  const double keys_seen =
      a.window > 0 ? std::min<double>(static_cast<double>(a.keys), static_cast<double>(a.window + a.queries - 1))
                   : static_cast<double>(a.keys);
  const double key_rows = batch * keys_seen * static_cast<double>(a.kv_heads);
  const double q = query_rows * static_cast<double>(a.head_dim);
  const double o = query_rows * static_cast<double>(a.value_dim);
  const double kv = key_rows * static_cast<double>(a.head_dim + a.value_dim);
  const double element = shape::bytes_per_element(a.dtype);
  const double statistics = query_rows * 4;  // fp32 log-sum-exp of each query
  if (!a.backward) return (q + kv + o) * element + (a.queries > 1 ? statistics : 0);
  return (2 * q + 2 * kv + 2 * o) * element + statistics;
}

}  // namespace gemmetry::op
