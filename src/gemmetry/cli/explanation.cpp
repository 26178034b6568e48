#include "gemmetry/cli/explanation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "gemmetry/cli/layer_reason.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/lower.h"

namespace gemmetry::cli {
namespace {

bool is_layer(op::Part part) { return part == op::Part::attention || part == op::Part::ffn; }

/// The priced steps of the segments that `chosen` takes, each with the count it is given.
template <class Chosen>
op::PricedProgram steps_of(const op::Program& program, const op::PricedProgram& priced, Chosen count) {
  op::PricedProgram steps;
  for (const op::Segment& segment : program.segments()) {
    const double times = count(segment);
    if (times <= 0) continue;
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i) {
      steps.push_back(priced[i]);
      steps.back().count = times;
    }
  }
  return steps;
}

std::int64_t layer_runs(const op::Program& program) {
  std::int64_t layers = 0;
  for (const op::Segment& segment : program.segments())
    if (segment.part == op::Part::attention) layers += segment.repeat;
  return layers;
}

std::vector<ExplainedLayer> explain_layers(const op::Program& program, const op::PricedProgram& priced,
                                           const shape::Workload& workload) {
  std::map<shape::LayerKind, std::int64_t> counts;
  for (const op::Segment& segment : program.segments())
    if (segment.part == op::Part::attention) counts[segment.kind] += segment.repeat;
  std::vector<ExplainedLayer> layers;
  for (const auto& [kind, count] : counts) {
    const auto once = [&, kind = kind](const op::Segment& s) { return is_layer(s.part) && s.kind == kind ? 1 : 0; };
    // A training step runs each layer once for every microbatch.
    const std::int64_t runs = workload.phase == shape::Phase::training ? workload.microbatches : 1;
    layers.push_back({kind, count / runs, op::total_time(steps_of(program, priced, once))});
  }
  return layers;
}

std::vector<ExplainedOperator> merged(const op::PricedProgram& steps) {
  std::vector<ExplainedOperator> operators;
  for (const op::PricedStep& step : steps) {
    const auto known = std::find_if(operators.begin(), operators.end(),
                                    [&](const ExplainedOperator& row) { return is_same(row.priced.step, step.step); });
    if (known == operators.end())
      operators.push_back({step, 0, ""});
    else
      known->priced.count += step.count;
  }
  return operators;
}

/// Brings the rows of one module together, modules in order of first use.
void group_by_module(std::vector<ExplainedOperator>& operators) {
  std::map<op::Module, std::size_t> first;
  for (std::size_t i = 0; i < operators.size(); ++i) first.try_emplace(operators[i].priced.step.module, i);
  std::stable_sort(operators.begin(), operators.end(), [&](const ExplainedOperator& a, const ExplainedOperator& b) {
    return first[a.priced.step.module] < first[b.priced.step.module];
  });
}

std::vector<ExplainedOperator> explain_operators(const op::PricedProgram& steps, const op::CostModel& costs) {
  std::vector<ExplainedOperator> operators = merged(steps);
  group_by_module(operators);
  double total = 0;
  for (const ExplainedOperator& row : operators) total += row.priced.count * row.priced.cost.time_s;
  for (ExplainedOperator& row : operators) {
    row.share = total > 0 ? row.priced.count * row.priced.cost.time_s / total : 0;
    row.reason = costs.reason(row.priced.step.op);
  }
  return operators;
}

/// Model FLOP: three times those of the forward pass (the backward pass takes twice as many), none of the
/// recomputation.
double model_flop(const op::PricedProgram& priced) {
  double forward = 0;
  for (const op::PricedStep& step : priced)
    if (step.step.pass == op::Pass::forward) forward += step.count * step.cost.flop;
  return 3 * forward;
}

TrainingRate training_rate(const Explanation& explained, const op::PricedProgram& priced,
                           const shape::Workload& workload, const gpu::Gpu& gpu) {
  const auto stages = static_cast<double>(workload.pipeline_parallel);
  const auto microbatches = static_cast<double>(workload.microbatches);
  TrainingRate rate;
  rate.pipeline_bubble = (stages - 1) / (microbatches + stages - 1);
  const double busy = 1 - rate.pipeline_bubble;
  rate.model_flop_utilisation =
      busy * model_flop(priced) / (explained.model_time.value * gpu::peak_flops(gpu, workload.dtype));
  const double tokens_per_gpu =
      static_cast<double>(explained.tokens) * busy / (stages * static_cast<double>(workload.tensor_parallel));
  rate.tokens_per_s_per_gpu = {tokens_per_gpu / explained.model_time.value, tokens_per_gpu / explained.model_time.high,
                               tokens_per_gpu / explained.model_time.low};
  return rate;
}

}  // namespace

Explanation explain(const shape::Model& model, const shape::Workload& workload, const predict::Predictor& predictor,
                    bool one_layer) {
  shape::require_possible(workload, model);
  op::Program program;
  op::lower(model, workload, program);
  const op::PricedProgram priced = op::price(program, predictor);
  const auto runs = static_cast<double>(layer_runs(program));

  Explanation explained;
  explained.layers = explain_layers(program, priced, workload);
  const op::PricedProgram layer = steps_of(program, priced, [&](const op::Segment& s) {
    return is_layer(s.part) ? static_cast<double>(s.repeat) / runs : 0;
  });
  explained.layer_time = op::total_time(layer);
  explained.model_time = op::total_time(priced);
  explained.tokens = shape::tokens(workload);
  const auto tokens = static_cast<double>(explained.tokens);
  explained.time_per_token = {explained.model_time.value / tokens, explained.model_time.low / tokens,
                              explained.model_time.high / tokens};
  for (const op::PricedStep& step : priced) {
    explained.flop += step.count * step.cost.flop;
    explained.bytes += step.count * step.cost.bytes;
  }
  const auto shown_times = [&](const op::Segment& s) {
    return one_layer ? (is_layer(s.part) ? 1.0 : 0.0) : static_cast<double>(s.repeat);
  };
  explained.operators = explain_operators(steps_of(program, priced, shown_times), predictor);
  explained.memory = shape::memory_per_gpu(model, workload);
  if (workload.phase == shape::Phase::training)
    explained.training = training_rate(explained, priced, workload, predictor.gpu());
  explained.layer_reason = layer_reason(layer, predictor);
  return explained;
}

}  // namespace gemmetry::cli
