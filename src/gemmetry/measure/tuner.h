#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/verify.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// The library's first choice and the best of what it proposes, as measured side by side.
struct Tuning {
  AlgorithmInfo first;
  double first_s = 0;
  AlgorithmInfo best;  ///< the first choice itself unless another is faster beyond doubt
  double best_s = 0;
  std::int32_t proposed = 0;         ///< algorithms the library proposed
  std::vector<std::string> refused;  ///< "KERNEL: why" of those that could not run or were wrong

  double gain() const { return first_s / best_s; }
};

/// As the second verify of verify.h.
using Check = std::function<Verdict(Backend&, const op::Operator&, const Call&, std::uint64_t seed)>;

/// Libraries propose the likeliest first: what is fastest was always among so many, and mostly among the first eight.
inline constexpr std::int32_t usual_candidates = 32;

/// Chooses among the algorithms of an operator: of the likeliest `candidates` beside the first choice, two bursts of
/// each leave the fastest, which are verified and measured again in alternation with the first choice, and one replaces
/// it only where the 90 % interval of its gain over it, burst against burst, lies above least_gain: so a later
/// measurement finds the gain again.
class Tuner {
 public:
  Tuner(Backend& backend, const DeviceInfo& device, ClockMonitor& monitor, HostClock* clock = nullptr, Check check = {},
        std::int32_t candidates = usual_candidates);

  /// Throws BackendError when the operator cannot run at all or the device is lost, and Error when the library's first
  /// choice is wrong.
  Tuning tune(const op::Operator& op, Footing footing = {});

 private:
  using Subjects = std::vector<std::unique_ptr<Subject>>;

  bool is_right(const op::Operator& op, const Subject& subject, std::string& why) const;
  Subjects rivals(const Subject& first, Tuning& tuning, const op::Operator& op);
  void sort_by_speed(Subjects& rivals);
  void keep_right(const op::Operator& op, Subjects& rivals, Tuning& tuning);
  void decide(Subject& first, Subjects& rivals, Tuning& tuning);

  Backend& backend_;
  DeviceInfo device_;
  Check check_;
  std::int32_t candidates_;
  Sampler quick_;
  Sampler careful_;
};

/// Gains below it are not worth another algorithm.
inline constexpr double least_gain = 1.003;

}  // namespace gemmetry::measure
