#include "gemmetry/op/lower.h"

#include <algorithm>

#include "gemmetry/op/emitter.h"

namespace gemmetry::op {
namespace {

void emit(Part part, shape::LayerKind kind, const shape::Model& model, const shape::Workload& workload, Sink& sink) {
  Emitter emitter(model, workload, sink);
  switch (part) {
    case Part::embedding:
      return emit_embedding(emitter);
    case Part::attention:
      return emit_attention(emitter, kind);
    case Part::ffn:
      return emit_ffn(emitter, kind);
    case Part::output:
      return emit_output(emitter);
    case Part::update:
      return emit_update(emitter);
  }
}

/// Kinds of the layers on the last pipeline stage, which also has the output head and the most layers.
std::vector<shape::LayerGroup> stage_groups(const shape::Model& model, std::int64_t stages) {
  if (stages == 1) return shape::layer_groups(model);
  const std::int64_t on_stage = (model.layers + stages - 1) / stages;
  std::vector<shape::LayerGroup> groups;
  for (std::int64_t i = model.layers - on_stage; i < model.layers; ++i) {
    const shape::LayerKind kind = shape::layer_kind(model, i);
    const auto known =
        std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.kind == kind; });
    if (known == groups.end())
      groups.push_back({kind, 1});
    else
      ++known->count;
  }
  return groups;
}

}  // namespace

std::vector<PartCount> parts(const shape::Model& model, const shape::Workload& workload) {
  const bool training = workload.phase == shape::Phase::training;
  const std::int64_t times = training ? workload.microbatches : 1;
  std::vector<PartCount> counts{{Part::embedding, {}, times}};
  for (const auto& [kind, count] : stage_groups(model, workload.pipeline_parallel)) {
    counts.push_back({Part::attention, kind, count * times});
    counts.push_back({Part::ffn, kind, count * times});
  }
  counts.push_back({Part::output, {}, times});
  if (training) counts.push_back({Part::update, {}, 1});
  return counts;
}

void lower_part(Part part, shape::LayerKind kind, const shape::Model& model, const shape::Workload& workload,
                Sink& sink) {
  sink.begin(part, kind, 1);
  emit(part, kind, model, workload, sink);
}

void lower(const shape::Model& model, const shape::Workload& workload, Sink& sink) {
  for (const auto& [part, kind, repeat] : parts(model, workload)) {
    sink.begin(part, kind, repeat);
    emit(part, kind, model, workload, sink);
  }
}

}  // namespace gemmetry::op
