#include "gemmetry/run/next_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::run {

using measure::require;

NextToken::NextToken(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload,
                     const Weights& weights, const ExecutorOptions& options, measure::Replay replay)
    : backend_(backend), executor_(backend, model, workload, weights, options) {
  if (!model.head.present) throw Error(fmt::format("{} has no output head: it draws no tokens", model.name));
  Inputs& arrays = inputs();
  const bool goes_on = workload.phase == shape::Phase::decode && workload.new_tokens == 1;
  draws_ = arrays.draws();
  drawn_ = goes_on ? arrays.tokens() : arrays.sampled();
  plans_.emplace_back(backend, measure::SampleKernel{draws_, model.vocab, 0, measure::element_of(workload.dtype)});
  operands_.push_back({executor_.logits_buffer(), arrays.sampling(), drawn_});
  if (goes_on) {
    plans_.emplace_back(backend, measure::AdvanceKernel{draws_});
    operands_.push_back({arrays.tokens(), arrays.positions(), arrays.lengths(), arrays.sampling()});
  }
  std::int64_t bytes = 0;
  for (const Planned& planned : plans_) bytes = std::max(bytes, planned.workspace_bytes());
  workspace_ = DeviceBuffer(backend, bytes, "the draw's workspace");

  std::vector<measure::Call> calls(executor_.calls().begin(), executor_.calls().end());
  for (std::size_t i = 0; i < plans_.size(); ++i)
    calls.push_back({plans_[i].plan(), operands_[i].data(), workspace_.at()});
  measure::Recording* recorded = nullptr;
  require(backend.record(calls.data(), static_cast<std::int32_t>(calls.size()), replay, &recorded));
  recording_.reset(recorded);
}

void NextToken::run() { require(backend_.replay(recording_.get(), 1)); }

std::vector<double> NextToken::time(std::int32_t passes) {
  std::vector<double> times(static_cast<std::size_t>(passes));
  require(backend_.time(recording_.get(), passes, times.data()));
  return times;
}

std::vector<std::int32_t> NextToken::tokens() const {
  std::vector<double> values(static_cast<std::size_t>(draws_));
  require(backend_.read(drawn_, measure::Element::int32, nullptr, draws_, values.data()));
  return {values.begin(), values.end()};
}

}  // namespace gemmetry::run
