#include "gemmetry/op/latent.h"

namespace gemmetry::op {
namespace {

using shape::LatentAttention;
using shape::Phase;
using shape::Projections;

struct Compressed {
  TensorId query = no_tensor;      ///< latent query, or the hidden state where queries have no rank
  TensorId key_value = no_tensor;  ///< latent keys and values with the shared rotary key
};

Compressed compress(Emitter& emit, TensorId x) {
  const LatentAttention& latent = *emit.model.attention.latent;
  const bool bias = emit.model.attention.qkv_bias;
  const std::int64_t key_value = latent.kv_rank + latent.rope_dim;
  const auto normed = [&](std::string_view detail, TensorId of, std::int64_t width) {
    const TensorId y = emit.activation("normed", emit.tokens(), width);
    emit.step(Module::qkv_transform, detail,
              Norm{emit.tokens(), width, shape::NormKind::rms_norm, false, emit.workload.dtype}, {of}, {y});
    return y;
  };
  Compressed made;
  if (latent.q_rank > 0 && emit.workload.projections == Projections::fused) {
    const TensorId both =
        emit.linear(Module::qkv_transform, "query and key-value down", x, latent.q_rank + key_value, bias);
    made = {both, both};
  } else {
    made.query = latent.q_rank > 0 ? emit.linear(Module::qkv_transform, "query down", x, latent.q_rank, bias) : x;
    made.key_value = emit.linear(Module::qkv_transform, "key-value down", x, key_value, bias);
  }
  if (latent.q_rank > 0) made.query = normed("query norm", made.query, latent.q_rank);
  made.key_value = normed("key-value norm", made.key_value, latent.kv_rank);
  return made;
}

TensorId rotate(Emitter& emit, std::string_view detail, TensorId x, std::int64_t heads) {
  const Tensor of = emit.shape_of(x);
  const TensorId rotated = emit.activation("rotated", of.rows, of.columns);
  emit.step(Module::position_encoding, detail,
            Rotary{emit.tokens(), heads, emit.model.attention.latent->rope_dim, false, emit.workload.dtype}, {x},
            {rotated});
  return rotated;
}

/// Decode against the latent cache: the key expansion moves into the query, the value expansion behind the attention.
TensorId attend_absorbed(Emitter& emit, const Attention& expanded, TensorId query, TensorId key_value) {
  const LatentAttention& latent = *emit.model.attention.latent;
  const std::int64_t heads = emit.heads();
  const std::int64_t tokens = emit.tokens();
  const Dtype dtype = emit.workload.dtype;
  const TensorId key_weight = emit.tensor("key expansion", Role::weight, heads * latent.kv_rank, latent.nope_dim);
  const TensorId absorbed = emit.activation("latent query", tokens, heads * (latent.kv_rank + latent.rope_dim));
  emit.step(Module::qkv_transform, "query into latent",
            Gemm{heads, tokens, latent.kv_rank, latent.nope_dim, dtype, Layout::nt, Epilogue::none},
            {query, key_weight}, {absorbed});
  Attention over_latent = expanded;
  over_latent.kv_heads = 1;
  over_latent.head_dim = latent.kv_rank + latent.rope_dim;
  over_latent.value_dim = latent.kv_rank;
  const TensorId context = attend(emit, over_latent, {absorbed, key_value, key_value});
  const TensorId value_weight =
      emit.tensor("value expansion", Role::weight, heads * expanded.value_dim, latent.kv_rank);
  const TensorId out = emit.activation("context", tokens, heads * expanded.value_dim);
  emit.step(Module::attention_over_value, "value from latent",
            Gemm{heads, tokens, expanded.value_dim, latent.kv_rank, dtype, Layout::nt, Epilogue::none},
            {context, value_weight}, {out});
  return out;
}

}  // namespace

TensorId emit_latent_attention(Emitter& emit, shape::LayerKind kind, TensorId x) {
  const shape::AttentionShape& a = emit.model.attention;
  const LatentAttention& latent = *a.latent;
  const double element = bytes_per_element(emit.workload.dtype);
  const Compressed compressed = compress(emit, x);
  TensorId query = emit.linear(Module::qkv_transform, latent.q_rank > 0 ? "query up" : "query", compressed.query,
                               emit.heads() * a.head_dim, latent.q_rank == 0 && a.qkv_bias);
  query = rotate(emit, "query", query, emit.heads());
  const TensorId latent_key_value = rotate(emit, "key", compressed.key_value, 1);
  if (emit.caches()) append_to_cache(emit, latent_key_value, latent.kv_rank + latent.rope_dim);

  const Attention expanded = attention_of(emit, kind);
  if (emit.workload.phase == Phase::decode && emit.workload.projections == Projections::fused)
    return attend_absorbed(emit, expanded, query, latent_key_value);

  const TensorId key_value = emit.linear(Module::qkv_transform, "key-value up", latent_key_value,
                                         emit.heads() * (latent.nope_dim + a.value_dim), false);
  // The shared rotary key is copied beside each head's own part.
  const TensorId key = emit.pointwise(Module::qkv_transform, "key assembly", Function::copy, key_value, emit.tokens(),
                                      emit.heads() * a.head_dim, element, element);
  return attend(emit, expanded, {query, key, key_value});
}

}  // namespace gemmetry::op
