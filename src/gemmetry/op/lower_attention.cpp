#include <algorithm>

#include "gemmetry/op/adapter.h"
#include "gemmetry/op/emitter.h"
#include "gemmetry/op/latent.h"

namespace gemmetry::op {
namespace {

using shape::AttentionKind;
using shape::NormPlacement;
using shape::Positions;
using shape::Projections;
using shape::QkNorm;

/// One tensor with all three, or one each, as the projections leave them.
TensorList project_qkv(Emitter& emit, TensorId x) {
  const shape::AttentionShape& a = emit.model.attention;
  const std::int64_t q = emit.heads() * a.head_dim;
  const std::int64_t k = emit.kv_heads() * a.head_dim;
  const std::int64_t v = emit.kv_heads() * a.value_dim;
  if (emit.workload.projections == Projections::fused || a.qkv_fused)
    return emit_low_rank(emit, x, {emit.linear(Module::qkv_transform, "", x, q + k + v, a.qkv_bias)}, q, v);
  const TensorId query = emit.linear(Module::qkv_transform, "query", x, q, a.qkv_bias);
  const TensorId key = emit.linear(Module::qkv_transform, "key", x, k, a.qkv_bias);
  const TensorId value = emit.linear(Module::qkv_transform, "value", x, v, a.qkv_bias);
  return emit_low_rank(emit, x, {query, key, value}, q, v);
}

/// Norms queries and keys in place. With one tensor for all three the value part passes by.
TensorList norm_qk(Emitter& emit, TensorList qkv) {
  const shape::AttentionShape& a = emit.model.attention;
  if (a.qk_norm == QkNorm::none) return qkv;
  const bool by_head = a.qk_norm == QkNorm::head;
  const auto normed = [&](std::string_view detail, TensorId x, std::int64_t heads) {
    const Tensor of = emit.shape_of(x);
    const TensorId y = emit.activation("normed", of.rows, of.columns);
    const Norm norm{by_head ? emit.tokens() * heads : emit.tokens(), by_head ? a.head_dim : heads * a.head_dim,
                    a.qk_norm_kind, false, emit.workload.dtype};
    emit.step(Module::qkv_transform, detail, norm, {x}, {y});
    return y;
  };
  TensorList result{normed("query norm", qkv[0], emit.heads())};
  if (qkv.size() == 1) return {normed("key norm", result[0], emit.kv_heads())};
  result.push_back(normed("key norm", qkv[1], emit.kv_heads()));
  result.push_back(qkv[2]);
  return result;
}

/// Rotates queries and keys in place.
TensorList rotate(Emitter& emit, shape::LayerKind kind, TensorList qkv) {
  const shape::AttentionShape& a = emit.model.attention;
  if (emit.model.positions != Positions::rotary || !kind.rotary || a.rotary_dim == 0) return qkv;
  TensorList rotated;
  for (const TensorId id : qkv) {
    const bool value = qkv.size() == 3 && rotated.size() == 2;
    const Tensor of = emit.shape_of(id);
    rotated.push_back(value ? id : emit.activation("rotated", of.rows, of.columns));
  }
  if (qkv.size() == 1) {
    const Rotary both{emit.tokens(), emit.heads() + emit.kv_heads(), a.rotary_dim, false, emit.workload.dtype};
    emit.step(Module::position_encoding, "", both, {qkv[0]}, {rotated[0]});
    return rotated;
  }
  const std::int64_t heads[] = {emit.heads(), emit.kv_heads()};
  const std::string_view details[] = {"query", "key"};
  for (std::size_t i = 0; i < 2; ++i)
    emit.step(Module::position_encoding, details[i],
              Rotary{emit.tokens(), heads[i], a.rotary_dim, false, emit.workload.dtype}, {qkv[i]}, {rotated[i]});
  return rotated;
}

}  // namespace

void append_to_cache(Emitter& emit, TensorId from, std::int64_t columns) {
  const TensorId cache =
      emit.tensor("key and value cache", Role::cache, emit.workload.batch * emit.key_tokens(), columns);
  const double element = bytes_per_element(emit.workload.dtype);
  emit.step(Module::key_value_cache, "", Pointwise{Function::append, emit.tokens() * columns, element, element}, {from},
            {cache});
}

namespace {

/// Scores, softmax and the product with the values as kernels of their own.
TensorId attend_unfused(Emitter& emit, const Attention& fused, TensorList qkv) {
  const bool eager = emit.workload.attention == AttentionKind::eager;
  const double element = bytes_per_element(emit.workload.dtype);
  const std::int64_t batch = fused.batch * fused.heads;
  const std::int64_t rows = batch * fused.queries;
  TensorId query = qkv[0];
  TensorId key = qkv[qkv.size() == 1 ? 0 : 1];
  TensorId value = qkv[qkv.size() == 1 ? 0 : 2];

  // Keys and values are copied to every head that shares them; framework code also lays each head out contiguously.
  const bool repeated = fused.kv_heads != fused.heads;
  const auto lay_out = [&](Module module, std::string_view detail, TensorId x, std::int64_t tokens, std::int64_t width,
                           bool shared) {
    const double read =
        shared ? element * static_cast<double>(fused.kv_heads) / static_cast<double>(fused.heads) : element;
    return emit.pointwise(module, detail, Function::copy, x, batch * tokens, width, read, element);
  };
  if (eager) query = lay_out(Module::attention_score, "query layout", query, fused.queries, fused.head_dim, false);
  if (eager || repeated) {
    key = lay_out(Module::attention_score, "key layout", key, fused.keys, fused.head_dim, repeated);
    value = lay_out(Module::attention_over_value, "value layout", value, fused.keys, fused.value_dim, repeated);
  }

  TensorId scores = emit.activation("scores", rows, fused.keys);
  emit.step(Module::attention_score, "",
            Gemm{batch, fused.queries, fused.keys, fused.head_dim, fused.dtype, Layout::nt, Epilogue::none},
            {query, key}, {scores});
  const auto pass = [&](std::string_view detail, Function function, double read, double write) {
    scores = emit.pointwise(Module::attention_softmax, detail, function, scores, rows, fused.keys, read, write);
  };
  const auto softmax = [&](bool masked, Dtype dtype) {
    const TensorId probabilities = emit.activation("probabilities", rows, fused.keys);
    emit.step(Module::attention_softmax, "", Softmax{rows, fused.keys, masked, false, dtype}, {scores},
              {probabilities});
    scores = probabilities;
  };
  if (eager) {
    pass("scale", Function::scale, element, element);
    pass("mask", Function::mask, element, element);
    if (element < 4) pass("to fp32", Function::cast, element, 4);
    softmax(false, Dtype::fp32);
    if (element < 4) pass("from fp32", Function::cast, 4, element);
  } else {
    softmax(true, fused.dtype);
  }
  const TensorId context = emit.activation("context", emit.tokens(), fused.heads * fused.value_dim);
  emit.step(Module::attention_over_value, "",
            Gemm{batch, fused.queries, fused.value_dim, fused.keys, fused.dtype, Layout::nn, Epilogue::none},
            {scores, value}, {context});
  if (!eager) return context;
  return emit.pointwise(Module::attention_over_value, "context layout", Function::copy, context, emit.tokens(),
                        fused.heads * fused.value_dim, element, element);
}

}  // namespace

TensorId attend(Emitter& emit, const Attention& fused, TensorList qkv) {
  if (emit.workload.attention != AttentionKind::fused) return attend_unfused(emit, fused, qkv);
  const TensorId context = emit.activation("context", emit.tokens(), fused.heads * fused.value_dim);
  emit.step(Module::attention, "", fused, qkv, {context});
  return context;
}

Attention attention_of(const Emitter& emit, shape::LayerKind kind) {
  const shape::AttentionShape& a = emit.model.attention;
  const std::int64_t window = kind.windowed && a.window < emit.key_tokens() ? a.window : 0;
  return {emit.workload.batch,
          emit.new_tokens(),
          emit.key_tokens(),
          emit.heads(),
          emit.kv_heads(),
          a.head_dim,
          a.value_dim,
          window,
          a.causal,
          false,
          emit.workload.dtype};
}

void emit_attention(Emitter& emit, shape::LayerKind kind) {
  const shape::Model& model = emit.model;
  const shape::AttentionShape& a = model.attention;
  const NormPlacement placement = model.norm_placement;
  const TensorId hidden = emit.tensor("hidden", Role::carried, emit.stream_rows(), model.hidden);

  TensorId x = hidden;
  if (placement == NormPlacement::pre || placement == NormPlacement::sandwich)
    x = emit.norm(Module::layer_norm_1, "", hidden);
  x = emit.enter_parallel(x);

  TensorId context = no_tensor;
  if (a.latent) {
    context = emit_latent_attention(emit, kind, x);
  } else {
    const TensorList qkv = rotate(emit, kind, norm_qk(emit, project_qkv(emit, x)));
    if (emit.caches()) append_to_cache(emit, qkv[qkv.size() - 1], emit.kv_heads() * (a.head_dim + a.value_dim));
    context = attend(emit, attention_of(emit, kind), qkv);
  }
  TensorId branch = emit.linear(Module::linear_projection, "", context, model.hidden, a.output_bias);
  // With parallel residual both branches are summed over the ranks at once, after the FFN, unless an adapter needs the
  // sum of each.
  if (!model.parallel_residual || has_branch_adapters(emit)) branch = emit.leave_parallel(branch);
  if (placement == NormPlacement::branch || placement == NormPlacement::sandwich)
    branch = emit.norm(Module::layer_norm_1, "output", branch);
  if (has_branch_adapters(emit)) branch = emit_branch_adapter(emit, Part::attention, branch);
  TensorId sum = emit.residual(hidden, branch);
  if (placement == NormPlacement::post) sum = emit.norm(Module::layer_norm_1, "", sum);
  emit.finish(sum);
}

}  // namespace gemmetry::op
