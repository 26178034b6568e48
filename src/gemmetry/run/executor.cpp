#include "gemmetry/run/executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/op/lower.h"
#include "gemmetry/run/executable.h"
#include "gemmetry/run/schedule.h"
#include "gemmetry/run/script.h"

namespace gemmetry::run {
namespace {

using measure::Call;
using measure::require;

op::Program lowered(const shape::Model& model, const shape::Workload& workload) {
  require_executable(model, workload);
  op::Program program;
  op::lower(model, workload, program);
  return program;
}

/// The algorithm tuned for a linear layer: its product lies as the operator's does, all arrays dense.
std::string key_of(const measure::Kernel& kernel, const ExecutorOptions& options) {
  const auto* product = std::get_if<measure::ProductKernel>(&kernel);
  if (!options.tuned || !product || product->gemm.batch > 1 || product->a_stride > product->gemm.k) return {};
  return options.tuned(product->gemm);
}

Planned plan(measure::Backend& backend, const Work& work, const ExecutorOptions& options) {
  if (const auto* op = std::get_if<op::Operator>(&work)) return {backend, *op};
  const auto& kernel = std::get<measure::Kernel>(work);
  const std::string key = key_of(kernel, options);
  const auto* product = std::get_if<measure::ProductKernel>(&kernel);
  if (options.only_tuned && product) {
    const op::Gemm& gemm = product->gemm;
    if (key.empty())
      throw Error(
          fmt::format("product {}x{}x{} has no algorithm of its own, and only these may be used: pin no products",
                      gemm.m, gemm.n, gemm.k));
    return {backend, kernel, key};
  }
  if (!key.empty()) try {
      return {backend, kernel, key};
    } catch (const measure::BackendError& refused) {
      // Tuned for arrays that are aligned otherwise.
      if (refused.code() != measure::StatusCode::unsupported) throw;
    }
  return {backend, kernel};
}

/// What a device cannot do is said with the step that asks for it.
Planned plan_step(measure::Backend& backend, const Work& work, const ExecutorOptions& options, const op::Step& step) {
  try {
    return plan(backend, work, options);
  } catch (const measure::BackendError& refused) {
    if (refused.code() != measure::StatusCode::unsupported) throw;
    throw Error(fmt::format("step '{}'{}{} cannot be executed on this device: {}", name(step.module),
                            step.detail.empty() ? "" : " ", step.detail, refused.what()));
  }
}

/// Addresses of what launches take, for one layer.
class Addresses {
 public:
  Addresses(const Inputs& inputs, const KvCache* cache, const Weights& weights, op::Part part, std::int64_t layer)
      : inputs_(inputs), cache_(cache), weights_(weights), layer_(layer) {
    of_layer_ = part == op::Part::attention || part == op::Part::ffn;
  }

  void* of(Input input) const {
    switch (input) {
      case Input::tokens:
        return inputs_.tokens();
      case Input::positions:
        return inputs_.positions();
      case Input::slots:
        return inputs_.slots();
      case Input::lengths:
        return inputs_.lengths();
      case Input::sequence_slots:
        return inputs_.sequence_slots();
      case Input::last_rows:
        return inputs_.last_rows();
      case Input::rotation:
        return inputs_.rotation();
      case Input::key_cache:
        return cache_->keys(layer_);
      case Input::value_cache:
        return cache_->values(layer_);
    }
    return nullptr;
  }
  void* of(const std::string& weight, std::int64_t offset) const {
    return weights_.at(of_layer_ ? layer_array(layer_, weight) : weight, offset);
  }

 private:
  const Inputs& inputs_;
  const KvCache* cache_;
  const Weights& weights_;
  std::int64_t layer_;
  bool of_layer_ = false;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

Executor::Executor(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload,
                   const Weights& weights, ExecutorOptions options)
    : backend_(backend),
      model_(model),
      workload_(workload),
      program_(lowered(model, workload)),
      cache_(options.cache),
      inputs_(backend, model, workload) {
  const bool decodes = workload.phase == shape::Phase::decode;
  if (!cache_ && (decodes || workload.phase == shape::Phase::prefill)) {
    own_cache_ = std::make_unique<KvCache>(backend, model, workload.dtype, workload.batch,
                                           decodes ? workload.cache + workload.new_tokens : workload.sequence);
    cache_ = own_cache_.get();
    if (decodes) {
      own_cache_->fill(backend, 1);
      inputs_.set_cached(
          std::vector(static_cast<std::size_t>(workload.batch), static_cast<std::int32_t>(workload.cache)));
    }
  }
  build(backend, weights, options);
}

void Executor::build(measure::Backend& backend, const Weights& weights, const ExecutorOptions& options) {
  std::vector<Script> scripts;
  std::vector<std::size_t> first_plan;  // of each segment
  std::int64_t workspace = 0;
  for (const op::Segment& segment : program_.segments()) {
    first_plan.push_back(plans_.size());
    scripts.push_back(script_of(program_, segment, model_, workload_,
                                {cache_ ? cache_->capacity() : 0, options.fused_steps, options.activated_products,
                                 options.any_slots, options.attention_splits}));
    for (const Launch& launch : scripts.back().launches) {
      plans_.push_back(plan_step(backend, launch.work, options, program_.steps()[launch.step]));
      workspace = std::max(workspace, plans_.back().workspace_bytes());
      const measure::AlgorithmInfo& algorithm = plans_.back().plan()->algorithm();
      if (auto use = algorithm_use(workload_, program_.steps()[launch.step], launch.work, algorithm))
        algorithms_.push_back(*std::move(use));
    }
  }

  Schedule schedule = schedule_of(program_, scripts, model_);
  if (options.parts_again)
    for (const std::size_t array : schedule.carried) schedule.arrays[array].last = schedule.launches.size();
  const Arena arena = plan_arena(schedule.arrays);
  arena_ = DeviceBuffer(backend, arena.bytes, fmt::format("{} of {} tokens", model_.name, inputs_.rows()));
  workspace_ = DeviceBuffer(backend, workspace, "the kernels' workspace");

  for (const auto& [segment, launch, layer, arrays] : schedule.launches) {
    const Addresses addresses(inputs_, cache_, weights, program_.segments()[segment].part, layer);
    const Launch& what = scripts[segment].launches[launch];
    std::vector<void*>& operands = operands_.emplace_back();
    auto array = arrays.begin();
    for (const Argument& argument : what.arguments) {
      if (const auto* input = std::get_if<Input>(&argument.what))
        operands.push_back(addresses.of(*input));
      else if (const auto* weight = std::get_if<std::string>(&argument.what))
        operands.push_back(addresses.of(*weight, argument.offset));
      else
        operands.push_back(arena_.at(arena.offsets[*array++] + argument.offset * element_bytes(argument.element)));
    }
    calls_.push_back({plans_[first_plan[segment] + launch].plan(), operands.data(), workspace_.at()});
    sources_.push_back({what.step, what.detail, program_.segments()[segment].part});
  }

  const op::Tensor& result = program_.tensors()[static_cast<std::size_t>(scripts.back().result)];
  logits_ = arena_.at(arena.offsets[schedule.result]);
  logit_rows_ = result.rows;
  logit_columns_ = result.columns;
}

void Executor::run() { require(backend_.run(calls_.data(), static_cast<std::int32_t>(calls_.size()))); }

std::vector<measure::Call> Executor::calls_of(std::span<const op::Part> parts) const {
  std::vector<Call> chosen;
  for (std::size_t i = 0; i < calls_.size(); ++i)
    if (std::find(parts.begin(), parts.end(), sources_[i].part) != parts.end()) chosen.push_back(calls_[i]);
  return chosen;
}

std::vector<float> Executor::logits() const {
  std::vector<double> values(static_cast<std::size_t>(logit_rows_ * logit_columns_));
  require(backend_.read(logits_, measure::element_of(workload_.dtype), nullptr, logit_rows_ * logit_columns_,
                        values.data()));
  return {values.begin(), values.end()};
}

std::vector<double> Executor::time(std::int32_t replays, measure::Replay replay) {
  measure::Recording* recorded = nullptr;
  require(backend_.record(calls_.data(), static_cast<std::int32_t>(calls_.size()), replay, &recorded));
  const std::unique_ptr<measure::Recording> recording(recorded);
  std::vector<double> times(static_cast<std::size_t>(replays));
  require(backend_.time(recorded, replays, times.data()));
  return times;
}

std::vector<StepTime> Executor::step_times(std::int32_t repeats) {
  std::vector<std::vector<double>> of_calls(calls_.size());
  std::vector<double> times(calls_.size());
  for (std::int32_t repeat = 0; repeat < repeats; ++repeat) {
    require(backend_.time_each(calls_.data(), static_cast<std::int32_t>(calls_.size()), times.data()));
    for (std::size_t i = 0; i < times.size(); ++i) of_calls[i].push_back(times[i]);
  }
  std::map<std::size_t, StepTime> of_steps;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Source& source = sources_[i];
    StepTime& total =
        of_steps.try_emplace(source.step, StepTime{program_.steps()[source.step], source.part, 0, 0}).first->second;
    if (!source.detail.empty()) total.step.detail = source.detail;
    total.time_s += median(of_calls[i]);
  }
  std::vector<StepTime> ordered;
  for (auto& [index, total] : of_steps) {
    total.runs = program_.count(index);
    ordered.push_back(total);
  }
  return ordered;
}

}  // namespace gemmetry::run
