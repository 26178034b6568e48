#include "gemmetry/op/layer.h"

#include <cstdint>

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::op {
namespace {

std::int64_t trained_in(std::int64_t layers, shape::Model model, const shape::Workload& workload) {
  shape::set_layers(model, layers);
  return shape::trained_parameters_per_gpu(model, workload);
}

Step update_of(const shape::Model& model, shape::Workload workload) {
  workload.pipeline_parallel = 1;
  Step step;
  step.module = Module::optimizer;
  step.pass = Pass::update;
  step.op = Optimizer{trained_in(2, model, workload) - trained_in(1, model, workload), workload.dtype};
  return step;
}

}  // namespace

std::vector<Step> attention_steps(const shape::Model& model, const shape::Workload& workload) {
  Program program;
  lower_part(Part::attention, shape::layer_kind(model, 0), model, workload, program);
  return program.steps();
}

std::vector<Step> layer_steps(const shape::Model& model, const shape::Workload& workload) {
  Program program;
  const shape::LayerKind kind = shape::layer_kind(model, 0);
  lower_part(Part::attention, kind, model, workload, program);
  lower_part(Part::ffn, kind, model, workload, program);
  std::vector<Step> steps = program.steps();
  if (workload.phase == shape::Phase::training) steps.push_back(update_of(model, workload));
  return steps;
}

}  // namespace gemmetry::op
