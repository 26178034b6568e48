#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/measuring_options.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/measurer.h"
#include "gemmetry/measure/record_store.h"
#include "gemmetry/measure/tuning_table.h"

namespace gemmetry::cli {

/// An open device with its clocks, tuning table and database, ready to measure.
class MeasuringSession {
 public:
  /// Throws backends::NoDevice when the device is not there, and Error for what is wrong with files or options.
  explicit MeasuringSession(const MeasuringOptions& options);
  MeasuringSession(const MeasuringSession&) = delete;
  MeasuringSession& operator=(const MeasuringSession&) = delete;

  measure::Backend& backend() { return *backend_; }
  measure::ClockMonitor& monitor() { return monitor_; }
  measure::Measurer& measurer() { return measurer_; }
  /// The database of records, opened when it is first asked for.
  measure::RecordStore& store();
  const measure::DeviceInfo& device() const { return device_; }
  const measure::Rank& rank() const { return rank_; }
  /// The catalogue's entry of the device; null: it has none.
  const gpu::Gpu* gpu() const { return measurer_.gpu(); }
  /// The key of an operator's algorithm in the tuning table; empty: it has none.
  std::function<std::string(const op::Operator&)> tuned() const;

 private:
  measure::Measuring measuring(const MeasuringOptions& options) const;

  measure::Rank rank_;
  std::unique_ptr<measure::Backend> backend_;
  measure::DeviceInfo device_;
  measure::ClockMonitor monitor_;
  std::string database_;
  std::optional<measure::RecordStore> store_;
  measure::TuningTable table_;
  measure::Measurer measurer_;
};

/// The workload on a device that the catalogue may not know (null): a CPU gets the defaults of the usual GPU. Error
/// where the device, or a split over several, cannot run it.
shape::Workload workload_on(const gpu::Gpu* device, const WorkloadOptions& options, const shape::Model& model);
/// The same on the session's device.
shape::Workload workload_on(const MeasuringSession& session, const WorkloadOptions& options, const shape::Model& model);

/// "gemmetry measure gemm --m 8192 --n 4096 --k 4096 --dtype bf16": the options that give this operator again.
std::string command_of(const op::Operator& op);

}  // namespace gemmetry::cli
