#include "gemmetry/run/whole_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/statistics.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/op/layer.h"
#include "gemmetry/run/decoder.h"
#include "gemmetry/run/executor.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::run {
namespace {

using measure::Execution;
using measure::Measurement;
using measure::Whole;
using measure::WholeKind;

constexpr std::int64_t small_vocabulary = 64;
constexpr std::int64_t most_layers = 8;
constexpr std::int32_t step_repeats = 3;
constexpr std::size_t fewest_answers = 3, most_answers = 20;
constexpr double rest_s = 3e-3;

Tokens random_tokens(std::uint64_t seed, std::int64_t count, std::int64_t vocab) {
  Tokens tokens(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = measure::random_index(seed, i, vocab);
  return tokens;
}

/// The ratio of each sample to the one of the baseline that was taken in the same turn.
measure::Slowdown slowdown_of(const Measurement& own, const Measurement& baseline) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < own.samples_s.size(); ++i) ratios.push_back(own.samples_s[i] / baseline.samples_s[i]);
  const measure::Interval interval = measure::median_interval(ratios);
  return {baseline.median_s, measure::median(ratios), interval.low, interval.high};
}

/// A model of `layers` layers of the first kind between the smallest ends.
shape::Model layers_of(shape::Model model, std::int64_t layers) {
  const shape::LayerKind kind = shape::layer_kind(model, 0);
  if (!model.layer_kinds.empty()) model.layer_kinds.assign(static_cast<std::size_t>(layers), kind);
  model.layers = layers;
  model.vocab = small_vocabulary;
  shape::validate(model);
  return model;
}

/// Layers whose weights do not stay in the L2 from one replay to the next.
std::int64_t cold_layers(const Whole& whole, std::int64_t l2_bytes) {
  const shape::Model& model = whole.model;
  const std::int64_t parameters = whole.kind == WholeKind::attention
                                      ? shape::count_parameters(model).attention / model.layers
                                      : shape::layer_parameters(model, shape::layer_kind(model, 0));
  const double bytes = static_cast<double>(parameters) * shape::bytes_per_element(whole.workload.dtype);
  const auto layers = static_cast<std::int64_t>(std::ceil(2 * static_cast<double>(l2_bytes) / bytes));
  return std::clamp<std::int64_t>(layers, 1, most_layers);
}

}  // namespace

WholeRunner::WholeRunner(measure::Backend& backend, measure::ClockMonitor& monitor, WholeOptions options)
    : backend_(backend), monitor_(monitor), options_(std::move(options)) {
  measure::require(backend.describe(device_));
}

const Weights& WholeRunner::weights(Loaded& place, const shape::Model& model, shape::Dtype dtype) {
  if (place.weights && place.model == model && place.dtype == dtype) return *place.weights;
  place.weights.reset();  // before the next take its memory
  place.weights = Weights::random(backend_, model, dtype, options_.seed);
  place.model = model;
  place.dtype = dtype;
  return *place.weights;
}

std::vector<Measurement> WholeRunner::sampled(const std::vector<measure::Subject*>& subjects,
                                              const measure::Setting& setting) {
  measure::Sampling sampling = options_.sampling;
  sampling.clocks = setting.clocks;
  std::vector<Measurement> measured = measure::Sampler(backend_, monitor_, sampling).alternate(subjects);
  const Measurement& first = measured.front();
  if (first.samples_s.size() >= measure::least_samples) return measured;
  double turn_s = 0;
  for (const Measurement& one : measured) turn_s += one.calls_per_sample * one.median_s + rest_s;
  sampling.precision = 1;
  sampling.min_samples = measure::least_samples;
  sampling.time_cap_s = 2 * measure::least_samples * turn_s;
  return measure::Sampler(backend_, monitor_, sampling).alternate(subjects);
}

void WholeRunner::run_model(const Whole& whole, Execution& execution) {
  const shape::Dtype dtype = whole.workload.dtype;
  const ExecutorOptions how{.tuned = options_.tuned, .fused_steps = execution.fused_steps};
  if (!whole.baseline) baseline_.weights.reset();
  Executor executor(backend_, whole.model, whole.workload, weights(own_, whole.model, dtype), how);
  const Tokens tokens = random_tokens(options_.seed, shape::tokens(whole.workload), whole.model.vocab);
  executor.set_tokens(tokens);
  measure::Subject subject(backend_, executor.calls(), execution.setting.replay);
  if (whole.baseline) {
    Executor other(backend_, *whole.baseline, whole.workload, weights(baseline_, *whole.baseline, dtype), how);
    other.set_tokens(tokens);
    measure::Subject baseline(backend_, other.calls(), execution.setting.replay);
    std::vector<Measurement> both = sampled({&baseline, &subject}, execution.setting);
    execution.slowdown = slowdown_of(both[1], both[0]);
    set_measured(execution, std::move(both[1]));
  } else {
    set_measured(execution, sampled({&subject}, execution.setting).front());
  }
  for (const StepTime& step : executor.step_times(step_repeats)) execution.module_s[step.step.module] += step.time_s;
}

void WholeRunner::run_layer(const Whole& whole, Execution& execution) {
  const std::int64_t layers = cold_layers(whole, device_.l2_bytes);
  const shape::Model model = layers_of(whole.model, layers);
  Executor executor(backend_, model, whole.workload, weights(own_, model, whole.workload.dtype),
                    {.tuned = options_.tuned, .fused_steps = execution.fused_steps, .parts_again = true});
  executor.set_tokens(random_tokens(options_.seed, shape::tokens(whole.workload), model.vocab));
  executor.run();
  constexpr std::array both{op::Part::attention, op::Part::ffn};
  const std::span<const op::Part> parts = std::span(both).first(whole.kind == WholeKind::layer ? 2 : 1);
  const std::vector<measure::Call> calls = executor.calls_of(parts);
  measure::Subject subject(backend_, calls, execution.setting.replay);
  const auto count = static_cast<double>(layers);
  set_measured(execution, sampled({&subject}, execution.setting).front(), count);
  for (const StepTime& step : executor.step_times(step_repeats))
    if (std::find(parts.begin(), parts.end(), step.part) != parts.end())
      execution.module_s[step.step.module] += step.time_s / count;
}

void WholeRunner::run_training_layer(const Whole& whole, Execution& execution) {
  std::vector<op::Operator> ops;
  const std::vector<op::Step> steps = op::layer_steps(whole.model, whole.workload);
  for (const op::Step& step : steps) ops.push_back(step.op);
  own_.weights.reset();
  measure::Subject subject(backend_, device_, ops, {}, {.replay = execution.setting.replay, .seed = options_.seed});
  set_measured(execution, sampled({&subject}, execution.setting).front());
  std::vector<std::vector<double>> times(steps.size());
  std::vector<double> once(steps.size());
  for (std::int32_t repeat = 0; repeat < step_repeats; ++repeat) {
    measure::require(backend_.time_each(subject.calls(0).data(), static_cast<std::int32_t>(once.size()), once.data()));
    for (std::size_t i = 0; i < once.size(); ++i) times[i].push_back(once[i]);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) execution.module_s[steps[i].module] += measure::median(times[i]);
}

void WholeRunner::run_answer(const Whole& whole, Execution& execution) {
  const std::int64_t batch = whole.workload.batch, prompt = whole.workload.sequence;
  if (whole.new_tokens < 2)
    throw Error(fmt::format("an answer of {} tokens has no step to time; ask for two at least", whole.new_tokens));
  DecoderOptions how;
  how.slots = batch;
  how.capacity = prompt + whole.new_tokens;
  how.replay = execution.setting.replay;
  how.tuned = options_.tuned;
  Decoder decoder(backend_, whole.model, weights(own_, whole.model, whole.workload.dtype), how);
  const Tokens all = random_tokens(options_.seed, batch * prompt, whole.model.vocab);
  std::vector<Tokens> prompts;
  for (std::int64_t i = 0; i < batch; ++i)
    prompts.emplace_back(all.begin() + i * prompt, all.begin() + (i + 1) * prompt);
  decoder.generate(prompts, 2);  // plans and records

  const auto steps = static_cast<std::int32_t>(whole.new_tokens - 1);
  std::vector<double> prompts_s;
  Measurement measured;
  double spent_s = 0;
  monitor_.start();
  try {
    while (measured.samples_s.size() < fewest_answers ||
           (spent_s < options_.sampling.time_cap_s && measured.samples_s.size() < most_answers)) {
      std::this_thread::sleep_for(std::chrono::duration<double>(rest_s));
      decoder.rewind(batch, prompt);
      const double prompt_s = decoder.time_prefill(1).front();
      const std::vector<double> times = decoder.time_steps(batch, steps);
      prompts_s.push_back(prompt_s);
      measured.samples_s.push_back(std::accumulate(times.begin(), times.end(), prompt_s));
      spent_s += measured.samples_s.back();
    }
  } catch (...) {
    monitor_.stop();
    throw;
  }
  measured.clocks = monitor_.stop();
  measured.median_s = measure::median(measured.samples_s);
  measured.p10_s = measure::quantile(measured.samples_s, 0.1);
  measured.p90_s = measure::quantile(measured.samples_s, 0.9);
  measured.precision = measure::median_precision(measured.samples_s);
  execution.prompt_s = measure::median(prompts_s);
  set_measured(execution, std::move(measured));
}

Execution WholeRunner::execute(const Whole& whole, const measure::Setting& setting) {
  Execution execution = measure::blank_execution(whole, setting);
  execution.device = device_;
  execution.tool = options_.tool;
  execution.command = options_.command;
  try {
    if (whole.kind == WholeKind::answer)
      run_answer(whole, execution);
    else if (whole.kind == WholeKind::model)
      run_model(whole, execution);
    else if (whole.workload.phase == shape::Phase::training)
      run_training_layer(whole, execution);
    else
      run_layer(whole, execution);
  } catch (const Error& problem) {
    const auto* refused = dynamic_cast<const measure::BackendError*>(&problem);
    if (refused && refused->code() == measure::StatusCode::device_lost) throw;
    own_.weights.reset();
    baseline_.weights.reset();
    const bool failed = refused && refused->code() != measure::StatusCode::out_of_memory &&
                        refused->code() != measure::StatusCode::unsupported;
    Execution none = measure::blank_execution(whole, setting);
    none.device = device_;
    none.tool = options_.tool;
    none.command = options_.command;
    none.status = failed ? measure::RecordStatus::failed : measure::RecordStatus::skipped;
    none.reason = problem.what();
    execution = std::move(none);
  }
  execution.time = measure::utc_now();
  return execution;
}

}  // namespace gemmetry::run
