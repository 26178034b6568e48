#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::measure {

/// Executions in one recording at most, counted in calls.
inline constexpr std::int64_t max_calls = 2000;

/// A subject recorded so that one replay takes about `replay_s`: as many executions as that takes, over the sets of
/// buffers in turn, one when it takes longer. Made with a few untimed replays, so that nothing happens for the first
/// time when it is timed. Throws BackendError.
class Arm {
 public:
  /// Where a replay does not get through all sets, either several recordings share them and are replayed in turn, or
  /// (`whole`, for replays without a gap) the recording is made longer.
  Arm(Backend& backend, const Subject& subject, double replay_s, bool whole);

  std::int32_t executions() const { return executions_; }
  double replay_s() const { return replay_s_; }  ///< as the last untimed replay took

  /// Replays without a gap and appends the time of one execution in each.
  void replay(std::int32_t count, std::vector<double>& samples_s);

 private:
  std::unique_ptr<Recording> record(std::size_t first_set, std::int32_t executions, Replay replay) const;
  double time(Recording& recording) const;
  std::int32_t executions_in(double seconds, double execution_s) const;

  Backend& backend_;
  const Subject& subject_;
  std::int32_t executions_ = 1;
  double replay_s_ = 0;
  std::vector<std::unique_ptr<Recording>> turns_;
  std::size_t turn_ = 0;
};

}  // namespace gemmetry::measure
