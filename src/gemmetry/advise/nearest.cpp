#include "gemmetry/advise/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace gemmetry::advise {
namespace {

/// KV heads that split over t ranks, or are copied to them evenly, and divide the heads: the nearest to `wanted`.
std::int64_t nearest_kv_heads(std::int64_t wanted, std::int64_t heads, std::int64_t t) {
  for (std::int64_t away = 0; away < heads; ++away)
    for (const std::int64_t kv_heads : {wanted + away, wanted - away})
      if (kv_heads >= 1 && heads % kv_heads == 0 && (kv_heads % t == 0 || t % kv_heads == 0)) return kv_heads;
  return heads;
}

}  // namespace

std::int64_t multiple_above(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

std::int64_t multiple_below(std::int64_t value, std::int64_t step) { return std::max(step, value / step * step); }

std::int64_t nearest_multiple(std::int64_t value, std::int64_t step) {
  const std::int64_t below = multiple_below(value, step), above = multiple_above(value, step);
  return value - below < above - value ? below : above;
}

std::string multiples_around(std::int64_t value, std::int64_t step) {
  const std::int64_t below = multiple_below(value, step), above = multiple_above(value, step);
  return below == above ? fmt::format("{}", below) : fmt::format("{} or {}", below, above);
}

shape::Model with_heads(const shape::Model& model, std::int64_t heads, std::int64_t tensor_parallel) {
  shape::Model changed = model;
  shape::AttentionShape& attention = changed.attention;
  const std::int64_t sharing = attention.heads / attention.kv_heads;
  attention.heads = heads;
  attention.kv_heads =
      sharing == 1 ? heads
                   : nearest_kv_heads(model.attention.kv_heads == 1 ? 1 : std::max<std::int64_t>(1, heads / sharing),
                                      heads, tensor_parallel);
  return changed;
}

shape::Model nearest_possible(const shape::Model& model, const shape::Workload& workload) {
  const std::int64_t t = workload.tensor_parallel;
  shape::Model changed = model;
  shape::AttentionShape& attention = changed.attention;
  if (attention.heads % t != 0) {
    changed = with_heads(model, nearest_multiple(attention.heads, t), t);
  } else if (attention.kv_heads % t != 0 && t % attention.kv_heads != 0) {
    attention.kv_heads = nearest_kv_heads(attention.kv_heads, attention.heads, t);
  }
  if (changed.ffn.width > 0) changed.ffn.width = nearest_multiple(changed.ffn.width, t);
  if (changed.experts) {
    changed.experts->width = nearest_multiple(changed.experts->width, t);
    if (changed.experts->shared_width > 0)
      changed.experts->shared_width = nearest_multiple(changed.experts->shared_width, t);
  }
  if (changed.layers % workload.pipeline_parallel != 0)
    shape::set_layers(changed, nearest_multiple(changed.layers, workload.pipeline_parallel));
  return changed;
}

}  // namespace gemmetry::advise
