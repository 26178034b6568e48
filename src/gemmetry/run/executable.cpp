#include "gemmetry/run/executable.h"

#include <fmt/format.h>

#include <string>

#include "gemmetry/base/error.h"

namespace gemmetry::run {
namespace {

using shape::Model;
using shape::Phase;
using shape::Workload;

/// Empty: it can be executed.
std::string obstacle(const Model& model) {
  const shape::AttentionShape& a = model.attention;
  if (model.experts) return "a mixture of experts";
  if (a.latent) return "latent attention";
  if (a.sinks) return "attention sinks";
  if (a.qk_norm_own_weights) return "norms of queries and keys with weights of their own for each head";
  if (model.positions == shape::Positions::alibi) return "ALiBi positions";
  if (model.positions == shape::Positions::learned && model.embedding_width != model.hidden)
    return "learned positions behind a projected embedding";
  if (model.token_types > 0) return "token types";
  if (model.pooler) return "a pooler";
  if (model.head.present && model.head.transform) return "an output head with a layer of its own";
  const auto& scaling = model.constants.rotary_scaling;
  if (scaling && scaling->kind == shape::RotaryScaling::Kind::other)
    return "a rotary scaling that is neither linear nor llama3";
  return {};
}

std::string obstacle(const Workload& workload) {
  if (workload.tensor_parallel > 1) return fmt::format("tensor parallelism ({} ranks)", workload.tensor_parallel);
  if (workload.pipeline_parallel > 1) return fmt::format("a pipeline ({} stages)", workload.pipeline_parallel);
  if (workload.phase == Phase::training) return "a training step";
  if (workload.dtype == shape::Dtype::fp8) return "fp8";
  if (workload.phase == Phase::decode && workload.attention != shape::AttentionKind::fused)
    return fmt::format("decoding with {} attention", name(workload.attention));
  return {};
}

void refuse(const Model& model, const std::string& what) {
  if (!what.empty()) throw Error(fmt::format("{} cannot be executed yet: {}", model.name, what));
}

}  // namespace

void require_executable(const Model& model) { refuse(model, obstacle(model)); }

void require_executable(const Model& model, const Workload& workload) {
  require_executable(model);
  refuse(model, obstacle(workload));
}

}  // namespace gemmetry::run
