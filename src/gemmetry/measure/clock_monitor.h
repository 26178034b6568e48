#pragma once

#include <memory>
#include <optional>
#include <string>

#include "gemmetry/measure/clock_source.h"

namespace gemmetry::measure {

/// What NVML said of a device over a span of time; absent where it does not say.
struct ClockReading {
  std::optional<double> clock_mhz;  ///< SM clock, median
  std::optional<double> clock_low_mhz;
  std::optional<double> memory_clock_mhz;
  std::optional<double> power_w;
  std::optional<double> temperature_c;
  std::string throttle;  ///< reasons met, "power+thermal"; empty: none or unknown
};

/// Watches clock, power and temperature of a device from a thread of its own, by libnvidia-ml.so.1, which it loads by
/// hand. Where that is missing or the device is none of its, every reading is empty.
class ClockMonitor {
 public:
  /// `uuid` as DeviceInfo has it; empty: watches nothing.
  explicit ClockMonitor(const std::string& uuid);
  /// Watches another source; null: nothing.
  explicit ClockMonitor(std::unique_ptr<ClockSource> source);
  ~ClockMonitor();
  ClockMonitor(const ClockMonitor&) = delete;
  ClockMonitor& operator=(const ClockMonitor&) = delete;

  bool present() const;
  std::optional<double> max_clock_mhz() const;

  /// Begins a span; `stop` ends it and tells what was read in it (at least one reading is made, span or not). Between
  /// spans the device is left alone.
  void start();
  ClockReading stop();

 private:
  struct Watcher;
  std::unique_ptr<Watcher> watcher_;
};

}  // namespace gemmetry::measure
