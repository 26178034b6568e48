#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/shape/model.h"

namespace gemmetry::shape {

/// Sizes and kinds stated on the command line, over a preset or file or on their own.
struct ModelEdit {
  std::optional<std::int64_t> hidden, layers, vocab, heads, kv_heads, head_dim, ffn, positions_max;
  std::optional<std::int64_t> window, experts, experts_active, expert_width;
  std::optional<std::string> activation;  ///< gelu, relu, silu, swiglu, geglu, reglu (the last three: a gated FFN)
  std::optional<std::string> positions;   ///< learned, rotary, alibi, none
  std::optional<std::string> norm;        ///< layernorm, rmsnorm
  std::optional<bool> parallel_residual, tied, bias;
};

/// `model` with the edit applied. A head dimension that was h/a follows h and a, KV heads that equalled the heads follow them,
/// and an FFN that was 4h follows h, unless they are stated. Validates the result.
Model edited(Model model, const ModelEdit& edit);

/// A model from flags alone: the paper's GPT-2 style layer (LayerNorm, learned positions, biases, FFN 4h, tied embeddings)
/// changed by the edit. Error naming the missing one of hidden, layers, heads and vocab.
Model model_from_flags(const ModelEdit& edit);

}  // namespace gemmetry::shape
