#include "gemmetry/measure/arm.h"

#include <algorithm>
#include <cmath>

namespace gemmetry::measure {

Arm::Arm(Backend& backend, const Subject& subject, double replay_s, bool whole) : backend_(backend), subject_(subject) {
  // A single execution from the host, which may load code and counts the host's own time, so that short ones look long:
  // the first recording shows and mends that.
  double execution_s = time(*record(0, 1, Replay::stream));
  const auto sets = static_cast<std::int64_t>(subject.sets());
  for (int attempt = 0; attempt < 3; ++attempt) {
    executions_ = executions_in(replay_s, execution_s);
    if (whole) executions_ = static_cast<std::int32_t>(std::clamp(sets, std::int64_t{executions_}, max_calls));
    turns_.clear();
    turns_.push_back(record(0, executions_, subject.footing().replay));
    replay_s_ = time(*turns_.front());
    execution_s = replay_s_ / executions_;
    const std::int32_t better = executions_in(replay_s, execution_s);
    const bool too_short = better > 2 * executions_;
    const bool too_long = !whole && 4 * better < executions_;
    if (!too_short && !too_long) break;
  }
  for (std::int64_t first = executions_; first < sets; first += executions_) {
    turns_.push_back(record(static_cast<std::size_t>(first), executions_, subject.footing().replay));
    replay_s_ = time(*turns_.back());
  }
}

std::unique_ptr<Recording> Arm::record(std::size_t first_set, std::int32_t executions, Replay replay) const {
  std::vector<Call> calls;
  calls.reserve(static_cast<std::size_t>(executions) * subject_.operators());
  for (std::size_t i = 0; i < static_cast<std::size_t>(executions); ++i) {
    const auto set = subject_.calls((first_set + i) % subject_.sets());
    calls.insert(calls.end(), set.begin(), set.end());
  }
  Recording* recording = nullptr;
  require(backend_.record(calls.data(), static_cast<std::int32_t>(calls.size()), replay, &recording));
  return std::unique_ptr<Recording>(recording);
}

double Arm::time(Recording& recording) const {
  double time_s = 0;
  require(backend_.time(&recording, 1, &time_s));
  return time_s;
}

std::int32_t Arm::executions_in(double seconds, double execution_s) const {
  const auto most = std::max<std::int64_t>(1, max_calls / static_cast<std::int64_t>(subject_.operators()));
  const double wanted = execution_s > 0 ? std::round(seconds / execution_s) : static_cast<double>(most);
  return static_cast<std::int32_t>(std::clamp(wanted, 1.0, static_cast<double>(most)));
}

void Arm::replay(std::int32_t count, std::vector<double>& samples_s) {
  const std::size_t before = samples_s.size();
  samples_s.resize(before + static_cast<std::size_t>(count));
  require(backend_.time(turns_[turn_].get(), count, samples_s.data() + before));
  for (std::size_t i = before; i < samples_s.size(); ++i) samples_s[i] /= executions_;
  turn_ = (turn_ + 1) % turns_.size();
}

}  // namespace gemmetry::measure
