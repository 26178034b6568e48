#pragma once

#include "gemmetry/op/emitter.h"

namespace gemmetry::op {

/// Attention over keys and values that are expanded from a latent vector (DeepSeek's MLA): projections to the context,
/// before the output projection. Decode over the latent cache absorbs the expansion into queries and outputs, as
/// serving engines do, unless projections run as Hugging Face's.
TensorId emit_latent_attention(Emitter& emit, shape::LayerKind kind, TensorId x);

// Shared with plain attention.
Attention attention_of(const Emitter& emit, shape::LayerKind kind);
TensorId attend(Emitter& emit, const Attention& fused, TensorList qkv);
void append_to_cache(Emitter& emit, TensorId from, std::int64_t columns);

}  // namespace gemmetry::op
