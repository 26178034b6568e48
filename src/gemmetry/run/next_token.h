#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/executor.h"
#include "gemmetry/run/planned.h"

namespace gemmetry::run {

/// One pass of a model and the draws behind it, recorded once and replayed: each sequence's next token, or of a
/// decoding pass the one behind each row. A decoding pass of one token a sequence leaves the drawn tokens, positions
/// and lengths as the next pass takes them: it is replayed as it is.
class NextToken {
 public:
  /// `workload`: prefill or decode. `options.cache` must be there.
  NextToken(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload,
            const Weights& weights, const ExecutorOptions& options, measure::Replay replay);

  Executor& executor() { return executor_; }
  Inputs& inputs() { return executor_.inputs(); }
  const Executor& executor() const { return executor_; }

  void run();
  /// Time of each of `passes`, one after the other without a gap, in seconds.
  std::vector<double> time(std::int32_t passes);
  /// What the last pass drew, see Inputs::draws.
  std::vector<std::int32_t> tokens() const;

 private:
  measure::Backend& backend_;
  Executor executor_;
  std::vector<Planned> plans_;  ///< of the draw and what follows it
  std::vector<std::vector<void*>> operands_;
  DeviceBuffer workspace_;
  void* drawn_ = nullptr;
  std::int64_t draws_ = 0;
  std::unique_ptr<measure::Recording> recording_;
};

}  // namespace gemmetry::run
