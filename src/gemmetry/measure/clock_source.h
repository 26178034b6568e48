#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace gemmetry::measure {

/// What a device says of itself at one moment; absent where it does not say.
struct ClockSample {
  std::optional<double> clock_mhz;
  std::optional<double> memory_clock_mhz;
  std::optional<double> power_w;
  std::optional<double> temperature_c;
  std::uint64_t throttle = 0;  ///< bits, as NVML numbers its clocks event reasons
};

/// Where a ClockMonitor reads. Called by one thread at a time.
class ClockSource {
 public:
  virtual ~ClockSource() = default;
  virtual ClockSample read() = 0;
  virtual std::optional<double> max_clock_mhz() = 0;
};

/// The device of that UUID by NVML; null where the library, the driver or the device is missing.
std::unique_ptr<ClockSource> open_nvml(const std::string& uuid);

/// The reasons in words, joined by '+', without idleness, which every pause between two bursts shows.
std::string throttle_words(std::uint64_t reasons);

}  // namespace gemmetry::measure
