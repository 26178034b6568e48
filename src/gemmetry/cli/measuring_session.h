#pragma once

#include <memory>
#include <string>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/measuring_options.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/measurer.h"
#include "gemmetry/measure/record_store.h"
#include "gemmetry/measure/tuning_table.h"

namespace gemmetry::cli {

/// An open device with its clocks, database and tuning table, ready to measure.
class MeasuringSession {
 public:
  /// Throws backends::NoDevice when the device is not there, and Error for what is wrong with files or options.
  explicit MeasuringSession(const MeasuringOptions& options);

  measure::Backend& backend() { return *backend_; }
  measure::ClockMonitor& monitor() { return monitor_; }
  measure::Measurer& measurer() { return measurer_; }
  measure::RecordStore& store() { return store_; }
  const measure::DeviceInfo& device() const { return measurer_.device(); }
  const measure::Rank& rank() const { return rank_; }

 private:
  measure::Measuring measuring(const MeasuringOptions& options) const;

  measure::Rank rank_;
  std::unique_ptr<measure::Backend> backend_;
  measure::ClockMonitor monitor_;
  measure::RecordStore store_;
  measure::TuningTable table_;
  measure::Measurer measurer_;
};

/// The type operands have unless said: bf16, or fp32 on a CPU.
shape::Dtype default_dtype(const measure::DeviceInfo& device);

/// "gemmetry measure gemm --m 8192 ... --clocks burst": measures one operator again.
std::string command_of(const op::Operator& op, const measure::Setting& setting, const std::string& device);

}  // namespace gemmetry::cli
