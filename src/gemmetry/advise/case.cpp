#include "gemmetry/advise/case.h"

#include <fmt/format.h>

#include <cmath>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/ranking.h"
#include "gemmetry/base/error.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

constexpr double measurable = 0.01;
constexpr double nothing = 0.0005;  // rounds to 0.0 %

bool can_run(const shape::Model& model, const shape::Workload& workload) {
  try {
    shape::validate(model);
    shape::validate(workload, model);
    return shape::impossible_splits(workload, model).empty();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Case::Case(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs, const gpu::Gpu& gpu,
           bool one_of_several)
    : model_(model),
      workload_(workload),
      costs_(costs),
      gpu_(gpu),
      gpu_threshold_(gpu::alignment_threshold(gpu, workload.dtype)),
      one_of_several_(one_of_several),
      possible_(shape::impossible_splits(workload, model).empty()),
      base_(possible_ ? model : nearest_possible(model, workload)) {
  priced_ = price(base_, workload_);
}

Finding Case::finding(std::string subject) const {
  Finding finding;
  finding.tensor_parallel = tensor_parallel();
  finding.subject = std::move(subject);
  finding.paper_threshold = fmt::format("multiple of {}", paper_threshold);
  finding.gpu_threshold = fmt::format("multiple of {} on {}", gpu_threshold_, gpu_.name);
  return finding;
}

std::optional<Case::Priced> Case::price(const shape::Model& model, const shape::Workload& workload) const {
  if (!can_run(model, workload)) return std::nullopt;
  const auto gpus = static_cast<double>(workload.tensor_parallel) * static_cast<double>(workload.pipeline_parallel);
  const auto tokens = static_cast<double>(shape::tokens(workload));
  return Priced{priced_program(model, workload, costs_),
                tokens * static_cast<double>(shape::count_parameters(model).active) / gpus};
}

op::Interval Case::saving(const Priced& from, const Priced& to) const {
  const op::Ratio time = costs_.compare(from.program, to.program);
  const double same_work = from.work / to.work;
  return {1 - time.value * same_work, 1 - time.high * same_work, 1 - time.low * same_work};
}

std::optional<op::Interval> Case::saving(const shape::Model& changed) const {
  const std::optional<Priced> to = price(changed, workload_);
  if (!priced_ || !to) return std::nullopt;
  return saving(*priced_, *to);
}

std::optional<op::Interval> Case::saving(const shape::Workload& from_workload,
                                         const shape::Workload& to_workload) const {
  const std::optional<Priced> from = price(base_, from_workload), to = price(base_, to_workload);
  if (!from || !to) return std::nullopt;
  return saving(*from, *to);
}

std::optional<double> Case::normalised_time(const shape::Model& model) const {
  const std::optional<Priced> priced = price(model, workload_);
  if (!priced) return std::nullopt;
  double seconds = 0;
  for (const op::PricedStep& step : priced->program) seconds += step.count * step.cost.time_s;
  return seconds / priced->work;
}

void keep_larger(std::optional<op::Interval>& best, const std::optional<op::Interval>& other) {
  if (other && (!best || other->value > best->value)) best = other;
}

Verdict grade(bool gpu_threshold_met, const std::optional<op::Interval>& cost) {
  if (!gpu_threshold_met) return Verdict::costly;
  return cost && cost->low > measurable ? Verdict::costly : Verdict::note;
}

std::string in_words(const std::optional<op::Interval>& saving) {
  if (!saving) return "cannot be priced";
  if (saving->value < -nothing) return fmt::format("would cost {:.1f} %", -100 * saving->value);
  if (saving->value < nothing) return "would save nothing";
  return fmt::format("would save {:.1f} % ({:.1f} to {:.1f}) of the time per token", 100 * saving->value,
                     100 * saving->low, 100 * saving->high);
}

}  // namespace gemmetry::advise
