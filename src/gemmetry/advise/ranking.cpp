#include "gemmetry/advise/ranking.h"

#include "gemmetry/op/lower.h"
#include "gemmetry/shape/memory.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

constexpr double same_time = 1e-12;  // relative: sums of the same numbers

double seconds(const op::PricedProgram& program) {
  double sum = 0;
  for (const op::PricedStep& step : program) sum += step.count * step.cost.time_s;
  return sum;
}

}  // namespace

op::PricedProgram priced_program(const shape::Model& model, const shape::Workload& workload,
                                 const op::CostModel& costs) {
  op::Program program;
  op::lower(model, workload, program);
  return op::price(program, costs);
}

Ranking::Ranking(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs,
                 const std::optional<shape::Workload>& decode)
    : model_(model),
      workload_(workload),
      costs_(costs),
      decode_(decode),
      program_(priced_program(model, workload, costs)) {
  current_ = priced(model, program_);
}

Candidate Ranking::priced(const shape::Model& model, const op::PricedProgram& program) const {
  Candidate candidate;
  candidate.model = model;
  candidate.parameters = shape::count_parameters(model).total;
  candidate.time_per_token_s = seconds(program) / static_cast<double>(shape::tokens(workload_));
  candidate.gain = costs_.compare(program, program_);
  candidate.change = change(sizes_of(model_), sizes_of(model));
  if (decode_) {
    candidate.decode_time_s =
        seconds(priced_program(model, *decode_, costs_)) / static_cast<double>(shape::tokens(*decode_));
    const std::int64_t cached = decode_->cache + 1;
    candidate.kv_bytes_per_token = shape::kv_bytes(model, *decode_, cached) / static_cast<double>(cached);
  }
  return candidate;
}

Candidate Ranking::candidate(const Sizes& sizes) const {
  const shape::Model model = with_sizes(model_, sizes);
  return priced(model, priced_program(model, workload_, costs_));
}

std::vector<Candidate> Ranking::ranked(std::span<const Found> found, std::size_t keep) const {
  std::vector<Candidate> candidates;
  op::PricedProgram leader;
  const Found* last = nullptr;
  for (const Found& one : found) {
    if (candidates.size() == keep) break;
    if (last && one.time_s <= last->time_s * (1 + same_time)) continue;
    last = &one;
    const shape::Model model = with_sizes(model_, one.sizes);
    op::PricedProgram program = priced_program(model, workload_, costs_);
    Candidate candidate = priced(model, program);
    candidate.group = candidates.empty() ? 0 : candidates.back().group;
    if (candidates.empty() || costs_.compare(leader, program).low > 1) {
      if (!candidates.empty()) ++candidate.group;
      leader = std::move(program);
    }
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

}  // namespace gemmetry::advise
