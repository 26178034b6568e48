#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/measurer.h"
#include "gemmetry/measure/record_store.h"

namespace gemmetry::measure {

/// The device needs a new process. What was measured is stored; the message says how to go on.
class DeviceLost : public Error {
 public:
  using Error::Error;
};

struct SweepProgress {
  std::int64_t total = 0;
  std::int64_t done = 0;     ///< stored, now or before
  std::int64_t present = 0;  ///< of those, stored before
  std::int64_t skipped = 0;  ///< of those of now, what is not ok
  std::optional<double> time_left_s;
  std::string current;  ///< the operator that is measured next; empty at the end
};

struct SweepOptions {
  std::int64_t takes = 1;  ///< how often each operator is measured, spread over the sweep
  std::uint64_t seed = 1;  ///< of the order
  std::optional<double> time_budget_s;
  bool retry = false;                                  ///< measure again what failed before
  std::optional<op::Operator> reference;               ///< measured before and after, for the noise floor
  std::function<void(const SweepProgress&)> progress;  ///< called before each measurement and at the end
  std::function<bool()> stop;                          ///< asked before each measurement
  HostClock* clock = nullptr;                          ///< the host's own when null
};

/// One product before and after the sweep: differences of this size mean nothing.
struct NoiseFloor {
  op::Operator op;
  Measurement before;
  std::optional<Measurement> after;

  std::optional<double> difference() const;  ///< of the medians, relative to that before
};

enum class SweepEnding { complete, stopped, time_budget };

struct SweepSummary {
  std::int64_t total = 0;    ///< measurements asked for
  std::int64_t present = 0;  ///< the store had
  std::int64_t ok = 0;       ///< measured now, by what became of them
  std::int64_t skipped = 0;
  std::int64_t failed = 0;
  std::int64_t untrusted = 0;
  std::int64_t elsewhere = 0;  ///< left to another process, which is at them
  std::int64_t left = 0;       ///< not begun
  SweepEnding ending = SweepEnding::complete;
  double elapsed_s = 0;
  std::optional<NoiseFloor> noise;
  std::string noise_reason;  ///< why there is no noise floor

  std::int64_t measured() const { return ok + skipped + failed + untrusted; }
};

/// Measures the operators that the store lacks, each `takes` times, equal ones once, in random order; each record is
/// stored as soon as it is measured. Processes that share the store share the work. Throws DeviceLost, and Error when
/// the store cannot be written.
SweepSummary sweep(Measurer& measurer, RecordStore& store, std::span<const op::Operator> ops,
                   const SweepOptions& options = {});

/// The usual reference: a product that a GPU takes tens of microseconds for, and a CPU not forever.
op::Operator usual_reference(const DeviceInfo& device);

std::string_view name(SweepEnding ending);

}  // namespace gemmetry::measure
