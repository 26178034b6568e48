#pragma once

#include <cstdint>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::shape {

/// Bytes one GPU holds at most: weights of the largest pipeline stage, activations of the stage that keeps most.
struct MemoryBytes {
  double weights = 0;
  double gradients = 0;  ///< training only: as wide as the weights
  double optimizer = 0;  ///< training only: fp32 master weights (unless the weights are fp32) and the two AdamW moments
  double activations = 0;  ///< training: kept for the backward pass; otherwise the widest live tensors
  double recomputed =
      0;                ///< training with recompute: what the backward pass of one layer makes again before it uses it
  double kv_cache = 0;  ///< prefill and decode
  double total() const { return weights + gradients + optimizer + activations + recomputed + kv_cache; }
};

/// Bytes per GPU of `workload`, with its recompute, sequence parallel, sharding and pipeline stages
/// (one-forward-one-backward schedule: the first stage keeps the activations of as many microbatches as there are
/// stages). Activations follow Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models"
/// (arXiv 2205.05198), extended to gated FFNs, grouped KV heads, fused attention, latent attention and experts.
MemoryBytes memory_per_gpu(const Model& model, const Workload& workload);

/// Bytes of activations that one layer of `kind` keeps for its backward pass on one GPU, for one microbatch.
double activation_bytes(const Model& model, const Workload& workload, LayerKind kind);

/// Bytes of cache that `cached_tokens` tokens of one sequence take over all layers of the fullest stage on one GPU:
/// keys and values of its KV heads, or the latent vector and shared rotary key (which every tensor-parallel rank holds
/// whole). A windowed layer stops growing at its window.
double kv_bytes(const Model& model, const Workload& workload, std::int64_t cached_tokens);

}  // namespace gemmetry::shape
