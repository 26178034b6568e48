#pragma once

#include <cstdint>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::shape {

/// Exact parameter counts of a model, tied matrices once.
struct ParameterCount {
  std::int64_t embedding = 0;  ///< token, position and segment tables, their projections and norm
  std::int64_t attention = 0;  ///< all layers
  std::int64_t ffn = 0;        ///< all layers, experts and routers included
  std::int64_t norms = 0;      ///< all layers and the final norm
  std::int64_t head = 0;       ///< output head unless tied, its bias and transform, pooler
  std::int64_t adapter = 0;    ///< all layers; 0 when merged into the model's own weights
  std::int64_t total = 0;
  std::int64_t active = 0;  ///< what one token uses: of the routed experts only the active ones
};

/// Exact counts; equal to Hugging Face transformers' for an imported config. Error on overflow of 2^63.
ParameterCount count_parameters(const Model& model);

/// Parameters of one layer of `kind`.
std::int64_t layer_parameters(const Model& model, LayerKind kind);

/// The paper's P = 12 h^2 L + 13 h L + (v + s) h (section III-C), with s the positions of the model (0 if it has no
/// table).
double paper_parameters(const Model& model);

/// Parameters that one GPU holds of the largest pipeline stage: matrices split over the tensor-parallel ranks, norms,
/// routers, row-parallel biases and bottleneck adapters on each. Optimizer sharding is not applied here.
std::int64_t parameters_per_gpu(const Model& model, const Workload& workload);

/// Of these, what a training step changes: all, or with an adapter the adapter's, the model's own being frozen.
std::int64_t trained_parameters_per_gpu(const Model& model, const Workload& workload);

}  // namespace gemmetry::shape
