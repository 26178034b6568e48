#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
  std::optional<std::string> adapter;        ///< houlsby, lin, lora, lora-merged; none takes it away
  std::optional<std::int64_t> adapter_rank;  ///< from 0 (no adapter) to the hidden size
};

/// What the name of an activation says of the FFN: `swiglu` is silu in a gated one.
struct FfnFunction {
  Activation activation = Activation::gelu;
  bool gated = false;
};

/// The function of that name (gelu, relu, silu, geglu, reglu, swiglu); Error naming the choices otherwise.
FfnFunction ffn_function_from_name(std::string_view name);

/// `model` with the edit applied. A head dimension that was h/a follows h and a, KV heads that equalled the heads
/// follow them, an FFN that was 4h follows h, and the rotated part of a head keeps its share, unless they are stated; a
/// gated FFN keeps its width. A window of 0 takes the windows away, a new one goes to the layers that had one, or to
/// all. Experts given to a model without need their active number and width too and go to all layers. `bias` is that of
/// the linear layers but the head's, and of LayerNorms. A model without an adapter gets one by kind and rank together.
/// Validates the result; Errors name the option.
Model edited(Model model, const ModelEdit& edit);

/// A model from flags alone: the paper's GPT-2 style layer (LayerNorm, 2048 learned positions, biases, FFN 4h, tied
/// embeddings) changed by the edit. Error naming the missing ones of hidden, layers, heads and vocab.
Model model_from_flags(const ModelEdit& edit);

}  // namespace gemmetry::shape
