#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
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
  double precision = 0;  ///< relative half-width of the median's 90 % interval that was reached
  Ending ending = Ending::precision;
  std::int32_t calls_per_sample = 1;  ///< executions that one sample is the mean of
  double overhead_s = 0;              ///< what an empty recording takes on this device, not subtracted
  ClockReading clocks;                ///< while it ran; unknown where there is no NVML
};

/// Times subjects on one device. Throws DeviceLost or Error.
class Sampler {
 public:
  Sampler(Backend& backend, ClockMonitor& monitor, Sampling sampling);

  Measurement measure(Subject& subject);

  /// Measures the subjects in alternation, one sample of each in turn, so that drift meets all alike.
  std::vector<Measurement> alternate(const std::vector<Subject*>& subjects);

 private:
  Backend& backend_;
  ClockMonitor& monitor_;
  Sampling sampling_;
};

}  // namespace gemmetry::measure
