#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/arm.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::measure {

/// What ended a measurement.
enum class Ending { precision, time_cap, samples };

struct Sampling {
  gpu::Clocks clocks = gpu::Clocks::burst;
  double precision = 0.01;  ///< relative half-width of the median's 90 % interval at which sampling stops
  double time_cap_s = 1.0;  ///< of one measurement, idle gaps included
  std::int32_t min_samples = 5;
  std::int32_t max_samples = 1000;
};

/// Times of one execution and what was seen around them.
struct Measurement {
  std::vector<double> samples_s;  ///< every sample, in the order taken
  double median_s = 0;
  double p10_s = 0;
  double p90_s = 0;
  double precision = 1;  ///< median_precision(samples_s): 1 where there are too few samples to tell
  Ending ending = Ending::precision;
  std::int32_t calls_per_sample = 1;  ///< executions that one sample is the mean of
  double overhead_s = 0;              ///< what an empty recording takes on this device, not subtracted
  ClockReading clocks;                ///< while it ran; unknown where there is no NVML
};

/// Times subjects on one device.
///
/// Burst: each sample is a replay of about a millisecond after at least three milliseconds idle, at a clock within
/// three per cent of its maximum as far as rests bring that about. Sustained: the device is soaked first, until the
/// clock (where it is unknown, the time) is flat, and then works without a pause for at least a quarter of a
/// second; a device that has just been soaked is soaked again until the time of what is measured now is flat.
///
/// Throws BackendError; after StatusCode::device_lost nothing more can be measured in this process.
class Sampler {
 public:
  /// `clock` is the host's own when null.
  Sampler(Backend& backend, ClockMonitor& monitor, Sampling sampling, HostClock* clock = nullptr);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  Measurement measure(Subject& subject);

  /// Measures the subjects in alternation, one sample of each in turn, in another order each time, so that drift and
  /// neighbours meet all alike; as many samples of each, until all are precise enough. The time cap counts for each.
  std::vector<Measurement> alternate(const std::vector<Subject*>& subjects);

 private:
  double overhead(Replay replay);
  void soak(std::vector<Arm>& arms);
  double work(std::vector<Arm>& arms, double seconds);
  bool is_throttled(const std::vector<Arm>& arms, const ClockReading& clocks) const;
  Ending take_samples(std::vector<Arm>& arms, std::vector<std::vector<double>>& samples_s);
  std::optional<Ending> ending(const std::vector<std::vector<double>>& samples_s, double elapsed_s) const;

  Backend& backend_;
  ClockMonitor& monitor_;
  Sampling sampling_;
  HostClock own_clock_;
  HostClock& clock_;
  std::map<Replay, double> overhead_s_;
  std::uint64_t rounds_ = 0;
  double busy_until_s_ = 0;
  bool soaked_ = false;
};

}  // namespace gemmetry::measure
