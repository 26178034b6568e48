#include <algorithm>
#include <cmath>
#include <vector>

#include "gemmetry/backends/cpu/kernel_loops.h"

namespace gemmetry::backends::cpu {
namespace {

/// Keys that a query sees.
struct Span {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

Span visible(const op::Attention& a, std::int64_t length, std::int64_t query) {
  const std::int64_t position = std::max<std::int64_t>(length - a.queries + query, 0);
  const std::int64_t end = a.causal ? std::min(position + 1, length) : length;
  const std::int64_t first = a.window > 0 ? std::max<std::int64_t>(position - a.window + 1, 0) : 0;
  return {std::min(first, end), end};
}

}  // namespace

void run(const measure::AttentionKernel& kernel, void* const* operands) {
  const op::Attention& a = kernel.attention;
  const Elements q(a.dtype, operands[0]);
  const Elements k(a.dtype, operands[1]);
  const Elements v(a.dtype, operands[2]);
  const int after_lengths = kernel.lengths ? 4 : 3;
  const auto* lengths = kernel.lengths ? static_cast<const std::int32_t*>(operands[3]) : nullptr;
  const auto* slots = kernel.slots ? static_cast<const std::int32_t*>(operands[after_lengths]) : nullptr;
  const Elements o(a.dtype, operands[kernel.slots ? after_lengths + 1 : after_lengths]);
  const float scale = 1 / std::sqrt(static_cast<float>(a.head_dim));
  std::vector<float> weights(static_cast<std::size_t>(a.keys));
  std::vector<float> out(static_cast<std::size_t>(a.value_dim));

  for (std::int64_t sequence = 0; sequence < a.batch; ++sequence) {
    const std::int64_t slot = slots ? slots[sequence] : sequence;
    const std::int64_t said = slot < 0 ? 0 : lengths ? lengths[sequence] : a.keys;
    const std::int64_t length = std::clamp<std::int64_t>(said, 0, a.keys);
    for (std::int64_t query = 0; query < a.queries; ++query)
      for (std::int64_t head = 0; head < a.heads; ++head) {
        const std::int64_t row = sequence * a.queries + query;
        const std::int64_t kv_head = head / (a.heads / a.kv_heads);
        const std::int64_t q_at = row * kernel.q_stride + head * a.head_dim;
        const std::int64_t k_at = slot * kernel.k_sequence + kv_head * a.head_dim;
        const std::int64_t v_at = slot * kernel.v_sequence + kv_head * a.value_dim;
        const Span span = visible(a, length, query);
        float most = -INFINITY;
        for (std::int64_t key = span.first; key < span.end; ++key) {
          float dot = 0;
          for (std::int64_t d = 0; d < a.head_dim; ++d) dot += q[q_at + d] * k[k_at + key * kernel.k_stride + d];
          weights[static_cast<std::size_t>(key)] = scale * dot;
          most = std::max(most, scale * dot);
        }
        float sum = 0;
        std::fill(out.begin(), out.end(), 0.0f);
        for (std::int64_t key = span.first; key < span.end; ++key) {
          const float weight = std::exp(weights[static_cast<std::size_t>(key)] - most);
          sum += weight;
          for (std::int64_t d = 0; d < a.value_dim; ++d)
            out[static_cast<std::size_t>(d)] += weight * v[v_at + key * kernel.v_stride + d];
        }
        const std::int64_t o_at = row * kernel.o_stride + head * a.value_dim;
        for (std::int64_t d = 0; d < a.value_dim; ++d)
          o.set(o_at + d, sum > 0 ? out[static_cast<std::size_t>(d)] / sum : 0);
      }
  }
}

}  // namespace gemmetry::backends::cpu
