#include "gemmetry/measure/executions.h"

#include <utility>

namespace gemmetry::measure {
namespace {

/// Whether `a` answers rather than `b`.
bool is_better(const Execution& a, const Execution& b) {
  const bool a_ok = a.status == RecordStatus::ok, b_ok = b.status == RecordStatus::ok;
  return a_ok != b_ok ? a_ok : a.time >= b.time;
}

}  // namespace

Executions::Executions(std::vector<Execution> executions) : executions_(std::move(executions)) {
  for (std::size_t i = 0; i < executions_.size(); ++i) {
    const auto [place, is_new] = by_question_.try_emplace(question(executions_[i]), i);
    if (!is_new && is_better(executions_[i], executions_[place->second])) place->second = i;
  }
}

const Execution* Executions::find(const Whole& whole, const Setting& setting) const {
  const auto found = by_question_.find(question(blank_execution(whole, setting)));
  return found == by_question_.end() ? nullptr : &executions_[found->second];
}

}  // namespace gemmetry::measure
