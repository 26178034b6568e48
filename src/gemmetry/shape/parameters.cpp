#include "gemmetry/shape/parameters.h"

#include <algorithm>
#include <vector>

#include "gemmetry/base/error.h"

namespace gemmetry::shape {
namespace {

/// A whole number whose arithmetic throws instead of overflowing.
class Count {
 public:
  Count(std::int64_t value) : value_(value) {}  // NOLINT(google-explicit-constructor): numbers are counts
  std::int64_t value() const { return value_; }

  friend Count operator+(Count a, Count b) {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a.value_, b.value_, &sum)) overflow();
    return sum;
  }
  friend Count operator*(Count a, Count b) {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a.value_, b.value_, &product)) overflow();
    return product;
  }
  Count& operator+=(Count other) { return *this = *this + other; }

 private:
  [[noreturn]] static void overflow() {
    throw Error(
        "the parameters are more than 2^63; reduce the hidden size, FFN width, vocabulary, heads, experts or layers");
  }
  std::int64_t value_;
};

/// One tensor-parallel rank's part of `size`, rounded up: the fullest rank's.
Count part(std::int64_t size, std::int64_t ranks) { return size / ranks + (size % ranks != 0); }

Count norm(const Model& model, Count width) {
  return width * ((model.norm_weight ? 1 : 0) + (model.norm_weight && model.norm_bias ? 1 : 0));
}

/// A matrix with k rows in and n out, and its bias.
Count linear(Count k, Count n, bool bias) { return k * n + (bias ? n : 0); }

Count qk_norms(const AttentionShape& attention, Count heads, Count kv_heads) {
  const Count each = attention.qk_norm_bias ? 2 : 1;
  switch (attention.qk_norm) {
    case QkNorm::none:
      return 0;
    case QkNorm::head:
      return each * attention.head_dim * (attention.qk_norm_own_weights ? heads + kv_heads : Count(2));
    case QkNorm::width:
      return each * attention.head_dim * (heads + kv_heads);
  }
  return 0;
}

/// Down-projections and their norms are on every rank; what expands them is split by heads. Biases as transformers has
/// them: on the down-projections only.
Count latent_projections(const Model& model, const LatentAttention& latent, Count heads) {
  const AttentionShape& attention = model.attention;
  Count queries = linear(model.hidden, heads * attention.head_dim, false);
  if (latent.q_rank > 0)
    queries = linear(model.hidden, latent.q_rank, attention.qkv_bias) + latent.q_rank +
              linear(latent.q_rank, heads * attention.head_dim, false);
  return queries + linear(model.hidden, Count(latent.kv_rank) + latent.rope_dim, attention.qkv_bias) + latent.kv_rank +
         linear(latent.kv_rank, heads * (Count(latent.nope_dim) + attention.value_dim), false);
}

Count attention_parameters(const Model& model, std::int64_t ranks) {
  const AttentionShape& attention = model.attention;
  const Count heads = part(attention.heads, ranks);
  const Count kv_heads = part(attention.kv_heads, ranks);
  Count total = linear(heads * attention.value_dim, model.hidden, attention.output_bias);
  if (attention.latent) {
    total += latent_projections(model, *attention.latent, heads);
  } else {
    total += linear(model.hidden, heads * attention.head_dim, attention.qkv_bias);
    total += linear(model.hidden, kv_heads * attention.head_dim, attention.qkv_bias);
    total += linear(model.hidden, kv_heads * attention.value_dim, attention.qkv_bias);
  }
  if (attention.sinks) total += heads;
  return total + qk_norms(attention, heads, kv_heads);
}

Count ffn_parameters(const Model& model, std::int64_t width, bool bias, std::int64_t ranks) {
  const Count inner = part(width, ranks);
  return linear(model.hidden, inner, bias) * (model.ffn.gated ? 2 : 1) + linear(inner, model.hidden, bias);
}

Count expert_parameters(const Model& model, std::int64_t routed, std::int64_t ranks) {
  const Experts& experts = *model.experts;
  Count total = linear(model.hidden, experts.count, experts.router_bias);
  total += Count(routed) * ffn_parameters(model, experts.width, experts.bias, ranks);
  if (experts.shared_width > 0) total += ffn_parameters(model, experts.shared_width, model.ffn.bias, ranks);
  return total;
}

Count ffn_parameters(const Model& model, LayerKind kind, std::int64_t ranks) {
  return kind.sparse ? expert_parameters(model, model.experts->count, ranks)
                     : ffn_parameters(model, model.ffn.width, model.ffn.bias, ranks);
}

Count layer_norms(const Model& model) {
  const Count one = norm(model, model.hidden);
  switch (model.norm_placement) {
    case NormPlacement::pre:
      return model.parallel_residual && model.shared_norm ? one : one * 2;
    case NormPlacement::post:
    case NormPlacement::branch:
      return one * 2;
    case NormPlacement::sandwich:
      return one * 4;
  }
  return 0;
}

Count final_norm(const Model& model) { return model.final_norm ? norm(model, model.hidden) : 0; }

Count token_table(const Model& model, std::int64_t ranks) { return part(model.vocab, ranks) * model.embedding_width; }

/// Position and segment tables, the embedding's norm and projections are on every rank.
Count embedding_parameters(const Model& model, std::int64_t ranks) {
  Count total = token_table(model, ranks) + Count(model.position_rows) * model.hidden;
  total += Count(model.token_types) * model.hidden;
  if (model.embedding_norm) total += norm(model, model.hidden);
  if (model.embedding_width != model.hidden) total += Count(model.embedding_width) * model.hidden * 2;  // in and out
  return total;
}

Count head_parameters(const Model& model, std::int64_t ranks) {
  Count total = model.pooler ? linear(model.hidden, model.hidden, true) : 0;
  if (!model.head.present) return total;
  if (!model.head.tied) total += token_table(model, ranks);
  if (model.head.transform) total += linear(model.hidden, model.hidden, true) + norm(model, model.hidden);
  if (model.head.bias) total += part(model.vocab, ranks);
  // An encoder's head and its decoder matrix each own a bias, which transformers ties together with the matrices only.
  if (model.head.bias && model.head.transform && !model.head.tied) total += part(model.vocab, ranks);
  return total;
}

/// Of one layer. Bottlenecks work on the whole hidden state, so every rank holds them; LoRA's first matrices too, its
/// second ones are split as the projections that they are added to. LoRA has no biases.
Count adapter_parameters(const Model& model, std::int64_t ranks) {
  if (!model.adapter) return 0;
  const Count rank = model.adapter->rank;
  const Count bottleneck = linear(model.hidden, rank, true) + linear(rank, model.hidden, true);
  const AttentionShape& attention = model.attention;
  const Count queries = part(attention.heads, ranks) * attention.head_dim;
  const Count values = part(attention.kv_heads, ranks) * attention.value_dim;
  switch (model.adapter->kind) {
    case AdapterKind::houlsby:
      return bottleneck * 2;
    case AdapterKind::lin:
      return bottleneck + norm(model, model.hidden);
    case AdapterKind::lora:
      return linear(model.hidden, rank, false) * 2 + linear(rank, queries + values, false);
    case AdapterKind::lora_merged:
      return 0;
  }
  return 0;
}

Count layer_parameters(const Model& model, LayerKind kind, std::int64_t ranks) {
  return attention_parameters(model, ranks) + ffn_parameters(model, kind, ranks) + layer_norms(model) +
         adapter_parameters(model, ranks);
}

}  // namespace

ParameterCount count_parameters(const Model& model) {
  Count attention = 0, ffn = 0, idle = 0, norms = final_norm(model);
  for (const auto& [kind, count] : layer_groups(model)) {
    attention += attention_parameters(model, 1) * count;
    ffn += ffn_parameters(model, kind, 1) * count;
    norms += layer_norms(model) * count;
    if (kind.sparse)
      idle += (ffn_parameters(model, kind, 1) + expert_parameters(model, model.experts->active, 1) * -1) * count;
  }
  const Count embedding = embedding_parameters(model, 1);
  const Count head = head_parameters(model, 1);
  const Count adapter = adapter_parameters(model, 1) * model.layers;
  const Count total = embedding + attention + ffn + norms + head + adapter;
  return {.embedding = embedding.value(),
          .attention = attention.value(),
          .ffn = ffn.value(),
          .norms = norms.value(),
          .head = head.value(),
          .adapter = adapter.value(),
          .total = total.value(),
          .active = (total + idle * -1).value()};
}

std::int64_t layer_parameters(const Model& model, LayerKind kind) { return layer_parameters(model, kind, 1).value(); }

double paper_parameters(const Model& model) {
  const auto h = static_cast<double>(model.hidden);
  const auto layers = static_cast<double>(model.layers);
  const auto rows = static_cast<double>(model.vocab) + static_cast<double>(model.position_rows);
  return 12 * h * h * layers + 13 * h * layers + rows * h;
}

std::int64_t parameters_per_gpu(const Model& model, const Workload& workload) {
  const std::int64_t ranks = workload.tensor_parallel;
  const Count embedding = embedding_parameters(model, ranks);
  const Count end = head_parameters(model, ranks) + final_norm(model);
  const std::int64_t stages = std::min(workload.pipeline_parallel, model.layers);
  std::vector<Count> held(static_cast<std::size_t>(stages), Count(0));
  held.front() += embedding;
  held.back() += end;
  // The last stage needs its own copy of a matrix that it shares with the first.
  if (stages > 1 && model.head.present && model.head.tied) held.back() += token_table(model, ranks);
  if (stages == 1) {
    for (const auto& [kind, count] : layer_groups(model)) held.front() += layer_parameters(model, kind, ranks) * count;
    return held.front().value();
  }
  for (std::int64_t layer = 0; layer < model.layers; ++layer)
    held[static_cast<std::size_t>(layer * stages / model.layers)] +=
        layer_parameters(model, layer_kind(model, layer), ranks);
  const auto smaller = [](Count a, Count b) { return a.value() < b.value(); };
  return std::max_element(held.begin(), held.end(), smaller)->value();
}

std::int64_t trained_parameters_per_gpu(const Model& model, const Workload& workload) {
  if (!model.adapter) return parameters_per_gpu(model, workload);
  const std::int64_t stages = std::min(workload.pipeline_parallel, model.layers);
  return (adapter_parameters(model, workload.tensor_parallel) * part(model.layers, stages)).value();
}

}  // namespace gemmetry::shape
