#pragma once

#include "gemmetry/op/program.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::op {

/// Lowers a model under a workload to the operators that one GPU of the fullest pipeline stage runs, into `sink`:
/// forward, and for a training step also backward (data and weight gradients, recompute) and the optimizer update. The
/// model and workload must be valid and the split possible (shape::validate, shape::require_possible).
///
/// Order of parts: embedding, then for each kind of layer its attention and its FFN, then output, then update. In a
/// training step each part holds its forward steps followed by its backward steps. With an adapter the model's own
/// weights are frozen: they have no gradients and no update, and the embedding has no backward pass.
void lower(const shape::Model& model, const shape::Workload& workload, Sink& sink);

/// Lowers one part once (repeat 1). The parts of a model with their repeats are exactly what `lower` emits; a search
/// prices each distinct part once. What each part depends on, beside what a search never changes: embedding and output:
/// hidden, vocab; attention: hidden, heads, kv_heads, head_dim and kind; ffn: hidden, ffn width, expert width and kind;
/// update: all of the model. Adapters belong to the attention or FFN part of their layer.
void lower_part(Part part, shape::LayerKind kind, const shape::Model& model, const shape::Workload& workload,
                Sink& sink);

/// How often each part of the model runs on one GPU of the fullest stage, in the order of `lower`.
struct PartCount {
  Part part = Part::embedding;
  shape::LayerKind kind;
  std::int64_t repeat = 1;
};
std::vector<PartCount> parts(const shape::Model& model, const shape::Workload& workload);

}  // namespace gemmetry::op
