// What it predicts: bytes one GPU holds. Weights, gradients and optimizer states are counted; activations are the
// tensors that the backward pass needs again. With T = b s tokens, e bytes an element (2, or 4 in fp32), a layer keeps:
//
//   module       tensor kept                         elements a token               held by
//   norms        input of each                       h each                         T/t with sequence parallelism, else
//   T attention    input of the projections            h                              T/t with sequence parallelism,
//   else T
//                queries, keys, values               (a + 2 kv) d                   heads / t
//                inputs of a query-key norm          (a + kv) d                     heads / t
//                latent vectors and their norms      2 (q_rank + kv_rank)           every rank
//                core: softmax of the scores         a s (fused: a, in fp32)        heads / t
//                input of the output projection      a d                            heads / t
//   FFN          input                               h                              T/t with sequence parallelism, else
//   T
//                input and output of the activation  2 d_ff; gated 3 d_ff           d_ff / t
//   experts      router probabilities (fp32)         experts                        every rank
//                rows sent to and back from experts  2 active h                     every rank
//                input and output of the activation  2 or 3 active width            width / t
//   adapters     input, both sides of the activation h + 2 r (LoRA: r, no input)   every rank
//   dropout      one byte: two residual masks, one   2 h, a s                       as what they mask
//                score mask; the dropped scores      a s
//
// For the paper's layer with unfused attention and dropout the sum is sbh (34 + 5 a s / h) bytes at 16 bits,
// Korthikanti et al. for a layer, and their Table 2 with t, sequence parallelism, selective and full recompute.
// Attention that is not fused repeats grouped KV heads; eager attention also keeps the softmax in fp32. What it
// ignores: workspaces, fragmentation, communication buffers, fp8 copies of weights, the token ids, and that frozen
// weights beside an adapter need not keep their products' inputs. Source: arXiv 2205.05198 (activations), arXiv
// 1910.02054 (ZeRO: states and their sharding).
#include "gemmetry/shape/memory.h"

#include <algorithm>

#include "gemmetry/shape/adapter.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

/// Activations, gradients and trained weights are never narrower than 16 bits.
double wide_bytes(Dtype dtype) { return std::max(2.0, bytes_per_element(dtype)); }

/// The sizes that the formulas share, on one GPU and as real numbers.
struct Shares {
  Shares(const Model& m, const Workload& w)
      : e(wide_bytes(w.dtype)),
        t(static_cast<double>(w.tensor_parallel)),
        rows(static_cast<double>(w.batch) * static_cast<double>(w.phase == Phase::decode ? w.new_tokens : w.sequence)),
        stream_rows(w.sequence_parallel ? rows / t : rows),
        h(static_cast<double>(m.hidden)),
        heads(static_cast<double>(m.attention.heads) / t),
        kv_heads(std::max(1.0, static_cast<double>(m.attention.kv_heads) / t)),
        head_dim(static_cast<double>(m.attention.head_dim)),
        value_dim(static_cast<double>(m.attention.value_dim)),
        vocab(static_cast<double>((m.vocab + w.tensor_parallel - 1) / w.tensor_parallel)) {
    if (m.attention.latent || w.attention != AttentionKind::fused) kv_heads = heads;
  }
  double e;            ///< bytes an element
  double t;            ///< tensor-parallel ranks
  double rows;         ///< tokens of the step
  double stream_rows;  ///< of them, those whose residual stream and norms this GPU holds
  double h;
  double heads;     ///< query heads of this GPU
  double kv_heads;  ///< KV heads of this GPU, as the score product sees them
  double head_dim;
  double value_dim;
  double vocab;  ///< columns of the logits of this GPU
};

/// The core of attention, which selective recompute makes again.
double core_bytes(const Workload& workload, const Shares& s) {
  const double rows = s.rows * s.heads;
  if (workload.attention == AttentionKind::fused) return 4 * rows;
  const double scores = rows * static_cast<double>(workload.sequence);
  const bool cast = workload.attention == AttentionKind::eager && s.e < 4;
  const double softmax = cast ? 4 + s.e : s.e;
  const double dropout = workload.dropout ? (cast ? 1 : 1 + s.e) : 0;
  return scores * (softmax + dropout);
}

double norms_per_layer(const Model& model) {
  if (model.norm_placement == NormPlacement::sandwich) return 4;
  return model.parallel_residual && model.shared_norm ? 1 : 2;
}

double attention_bytes(const Model& model, const Shares& s) {
  const AttentionShape& a = model.attention;
  double elements = s.stream_rows * s.h;
  elements += s.rows * (s.heads * s.head_dim + s.kv_heads * (s.head_dim + s.value_dim));
  if (a.qk_norm != QkNorm::none) elements += s.rows * (s.heads + s.kv_heads) * s.head_dim;
  if (a.latent) elements += s.rows * 2 * static_cast<double>(a.latent->q_rank + a.latent->kv_rank);
  elements += s.rows * s.heads * s.value_dim;
  return s.e * elements;
}

double ffn_bytes(const Model& model, const Shares& s, bool sparse) {
  const double tensors = model.ffn.gated ? 3 : 2;
  const bool input_shared = model.parallel_residual && model.shared_norm;
  const double input = input_shared ? 0 : s.e * s.stream_rows * s.h;
  if (!sparse || !model.experts) return input + s.e * s.rows * tensors * static_cast<double>(model.ffn.width) / s.t;
  const Experts& x = *model.experts;
  const double active = static_cast<double>(x.active);
  const double inner = (active * static_cast<double>(x.width) + static_cast<double>(x.shared_width)) / s.t;
  return input + 4 * s.stream_rows * static_cast<double>(x.count) + s.e * s.rows * (2 * active * s.h + tensors * inner);
}

/// What a layer's adapters keep: their inputs (LoRA's is the projection's), and both sides of the bottleneck.
double adapter_bytes(const Model& model, const Shares& s) {
  if (!is_separate(model)) return 0;
  const double rank = static_cast<double>(model.adapter->rank);
  if (model.adapter->kind == AdapterKind::lora) return s.e * s.rows * 2 * rank;
  const double count = model.adapter->kind == AdapterKind::houlsby ? 2 : 1;
  return s.e * s.stream_rows * count * (s.h + 2 * rank);
}

/// All that a layer keeps without recompute.
double layer_bytes(const Model& model, const Workload& workload, const Shares& s, LayerKind kind) {
  const double norms = s.e * s.stream_rows * s.h * norms_per_layer(model);
  const double masks = workload.dropout ? 2 * s.stream_rows * s.h : 0;
  return norms + masks + attention_bytes(model, s) + core_bytes(workload, s) + ffn_bytes(model, s, kind.sparse) +
         adapter_bytes(model, s);
}

double kept_bytes(const Model& model, const Workload& workload, const Shares& s, LayerKind kind) {
  switch (workload.recompute) {
    case Recompute::none:
      break;
    case Recompute::selective:
      return layer_bytes(model, workload, s, kind) - core_bytes(workload, s);
    case Recompute::full:
      return s.e * s.stream_rows * s.h;
  }
  return layer_bytes(model, workload, s, kind);
}

double recomputed_bytes(const Model& model, const Workload& workload, const Shares& s) {
  double widest = 0;
  for (const LayerGroup& group : layer_groups(model))
    widest = std::max(widest, workload.recompute == Recompute::full ? layer_bytes(model, workload, s, group.kind)
                                                                    : core_bytes(workload, s));
  return workload.recompute == Recompute::none ? 0 : widest;
}

/// Kept before the first layer: inputs of the embedding's norm and projection, and its dropout mask.
double embedding_bytes(const Model& model, const Workload& workload, const Shares& s) {
  double bytes = workload.dropout ? s.stream_rows * s.h : 0;
  if (model.embedding_norm) bytes += s.e * s.stream_rows * s.h;
  if (model.embedding_width > 0 && model.embedding_width != model.hidden)
    bytes += s.e * s.rows * static_cast<double>(model.embedding_width);
  return bytes;
}

/// Kept after the last layer: inputs of the final norm and the head, and the softmax of the logits in fp32.
double head_bytes(const Model& model, const Shares& s) {
  double elements = model.final_norm ? s.stream_rows * s.h : 0;
  if (!model.head.present) return s.e * elements;
  elements += s.stream_rows * s.h * (model.head.transform ? 4 : 1);
  return s.e * elements + 4 * s.rows * s.vocab;
}

std::int64_t layers_per_stage(const Model& model, const Workload& workload) {
  return (model.layers + workload.pipeline_parallel - 1) / workload.pipeline_parallel;
}

/// Sum of `bytes(kind)` over the layers of a stage.
template <typename Bytes>
double stage_sum(const Model& model, const Workload& workload, std::int64_t stage, const Bytes& bytes) {
  const std::int64_t per_stage = layers_per_stage(model, workload);
  const std::int64_t first = std::min(stage * per_stage, model.layers);
  const std::int64_t last = std::min(first + per_stage, model.layers);
  if (model.layer_kinds.empty()) return static_cast<double>(last - first) * bytes(layer_kind(model, 0));
  double sum = 0;
  for (std::int64_t i = first; i < last; ++i) sum += bytes(layer_kind(model, i));
  return sum;
}

/// The largest `bytes(stage)`. Where layers are alike only the first and the last stage can be it.
template <typename Bytes>
double fullest_stage(const Model& model, const Workload& workload, const Bytes& bytes) {
  const std::int64_t last = workload.pipeline_parallel - 1;
  double fullest = std::max(bytes(0), bytes(last));
  if (!model.layer_kinds.empty())
    for (std::int64_t stage = 1; stage < std::min(last, model.layers); ++stage)
      fullest = std::max(fullest, bytes(stage));
  return fullest;
}

double training_activations(const Model& model, const Workload& workload) {
  const Shares s(model, workload);
  const std::int64_t stages = workload.pipeline_parallel;
  return fullest_stage(model, workload, [&](std::int64_t stage) {
    const double in_flight = static_cast<double>(stages - stage);
    double bytes =
        stage_sum(model, workload, stage, [&](LayerKind kind) { return kept_bytes(model, workload, s, kind); });
    if (stage == 0) bytes += embedding_bytes(model, workload, s);
    bytes *= in_flight;
    if (stage == stages - 1) bytes += head_bytes(model, s);
    return bytes;
  });
}

/// Without a backward pass: the residual stream beside the widest pair of tensors that an operator reads and writes.
double inference_activations(const Model& model, const Workload& workload) {
  const Shares s(model, workload);
  const bool decoding = workload.phase == Phase::decode;
  const double qkv = s.rows * (s.heads * s.head_dim + s.kv_heads * (s.head_dim + s.value_dim));
  double attention = s.e * (qkv + s.rows * std::max(s.h, s.heads * s.value_dim));
  if (workload.attention != AttentionKind::fused) {
    const double keys = static_cast<double>(decoding ? workload.cache + workload.new_tokens : workload.sequence);
    const double bytes = workload.attention == AttentionKind::eager ? s.e + std::max(4.0, s.e) : 2 * s.e;
    attention += s.rows * s.heads * keys * bytes;
  }
  double ffn = 0;
  for (const LayerGroup& group : layer_groups(model)) ffn = std::max(ffn, ffn_bytes(model, s, group.kind.sparse));
  const bool last_only = workload.phase == Phase::prefill;
  const double logit_rows = last_only ? static_cast<double>(workload.batch) : s.rows;
  const double head = model.head.present ? s.e * logit_rows * (s.h + s.vocab) : 0;
  return s.e * s.stream_rows * s.h + std::max({attention, ffn, head});
}

}  // namespace

double activation_bytes(const Model& model, const Workload& workload, LayerKind kind) {
  return kept_bytes(model, workload, Shares(model, workload), kind);
}

double kv_bytes(const Model& model, const Workload& workload, std::int64_t cached_tokens) {
  const AttentionShape& a = model.attention;
  const double t = static_cast<double>(workload.tensor_parallel);
  const double elements =
      a.latent ? static_cast<double>(a.latent->kv_rank + a.latent->rope_dim)
               : std::max(1.0, static_cast<double>(a.kv_heads) / t) * static_cast<double>(a.head_dim + a.value_dim);
  const double bytes = elements * bytes_per_element(workload.dtype);
  return fullest_stage(model, workload, [&](std::int64_t stage) {
    return stage_sum(model, workload, stage, [&](LayerKind kind) {
      const bool capped = kind.windowed && a.window > 0;
      return bytes * static_cast<double>(capped ? std::min(cached_tokens, a.window) : cached_tokens);
    });
  });
}

MemoryBytes memory_per_gpu(const Model& model, const Workload& workload) {
  const double parameters = static_cast<double>(parameters_per_gpu(model, workload));
  MemoryBytes memory;
  if (workload.phase != Phase::training) {
    memory.weights = parameters * bytes_per_element(workload.dtype);
    memory.activations = inference_activations(model, workload);
    const double sequences = static_cast<double>(workload.batch);
    if (workload.phase == Phase::prefill) memory.kv_cache = sequences * kv_bytes(model, workload, workload.sequence);
    if (workload.phase == Phase::decode)
      memory.kv_cache = sequences * kv_bytes(model, workload, workload.cache + workload.new_tokens);
    return memory;
  }
  const double e = wide_bytes(workload.dtype);
  const double ranks = static_cast<double>(workload.data_parallel);
  const auto shared_from = [&](Sharding stage) { return workload.sharding >= stage ? ranks : 1.0; };
  memory.weights = parameters * e / shared_from(Sharding::parameters);
  const double trained = static_cast<double>(trained_parameters_per_gpu(model, workload));
  memory.gradients = trained * e / shared_from(Sharding::gradients);
  memory.optimizer = trained * (e < 4 ? 12 : 8) / shared_from(Sharding::optimizer);
  memory.activations = training_activations(model, workload);
  memory.recomputed = recomputed_bytes(model, workload, Shares(model, workload));
  return memory;
}

}  // namespace gemmetry::shape
