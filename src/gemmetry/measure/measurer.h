#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/measure/verify.h"

namespace gemmetry::measure {

/// How operators become records.
struct Measuring {
  Setting setting;
  Sampling sampling;  ///< its clocks are the setting's
  /// Key of the algorithm that the tuning table has for an operator; empty where it has none. For Policy::tuned.
  std::function<std::string(const op::Operator&)> tuned;
  /// As the second verify of verify.h, which it is when empty.
  std::function<Verdict(Backend&, const op::Operator&, const Call&, std::uint64_t seed)> check;
  std::string tool;  ///< version of gemmetry
  /// The command that measures an operator again.
  std::function<std::string(const op::Operator&)> command;
  HostClock* clock = nullptr;  ///< the host's own when null
};

/// Measures operators on one device, each into a record: planned, on buffers, verified, timed, and distrusted when it
/// is faster than the hardware.
class Measurer {
 public:
  /// Throws BackendError when the device does not say what it is.
  Measurer(Backend& backend, ClockMonitor& monitor, Measuring measuring);

  const DeviceInfo& device() const { return device_; }
  /// The catalogue's entry of the device; null: it has none.
  const gpu::Gpu* gpu() const { return gpu_ ? &*gpu_ : nullptr; }
  const Setting& setting() const { return measuring_.setting; }

  /// The record without what is measured: enough for its identity.
  Record blank(const op::Operator& op, std::int64_t take = 0) const;

  /// Never throws for what the operator does: its record is skipped or failed with the reason.
  Record measure(const op::Operator& op, std::int64_t take = 0);

  /// Times only; for references. Throws BackendError.
  Measurement time(const op::Operator& op);

  /// Whether the device was lost: nothing more can be measured in this process.
  bool lost() const { return lost_; }

 private:
  /// What an operator is measured with.
  struct Checked {
    std::string key;  ///< of the proposal that took the first choice's place; empty: it is right
    Verdict verdict;
    std::string passed_over;  ///< what was wrong with the library's first choice; empty where that is used
  };

  void fill(Record& record);
  std::unique_ptr<Subject> subject(const op::Operator& op) const;
  Verdict check(const op::Operator& op, const Subject& subject);
  std::unique_ptr<Subject> next_right(const op::Operator& op, const Subject& wrong, Checked& checked);

  Backend& backend_;
  Measuring measuring_;
  DeviceInfo device_;
  std::optional<gpu::Gpu> gpu_;
  Sampler sampler_;
  std::unordered_map<op::Operator, Checked, op::OperatorHash> checked_;  ///< of what is measured several times
  bool lost_ = false;
};

/// "cublasLt 66, tile 128 x 256, 4 stages, split-K 2, 1.50 waves": an algorithm in words.
std::string text_of(const AlgorithmInfo& algorithm);

}  // namespace gemmetry::measure
