#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/device_options.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/measure/tuning_table.h"
#include "gemmetry/run/weights.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::cli {

/// How a whole model is run: where, with which weights and algorithms, and for how long.
class RunOptions {
 public:
  void add_to(CLI::App& app);
  /// --clocks, for what is sampled as single operators are.
  void add_clocks_to(CLI::App& app);

  const DeviceOptions& device() const { return device_; }
  measure::Replay replay() const { return replay_; }
  double time_cap_s() const { return time_cap_s_; }
  measure::Sampling sampling() const;
  std::uint64_t seed() const { return static_cast<std::uint64_t>(seed_); }
  const std::string& weights() const { return weights_; }
  const std::string& table() const { return table_; }

  /// The model that is named, or else the one that lies with the weights.
  shape::Model model(const ModelOptions& options) const;

 private:
  DeviceOptions device_;
  measure::Replay replay_ = measure::Replay::graph;
  double time_cap_s_ = 1;
  gpu::Clocks clocks_ = gpu::Clocks::sustained;
  std::int64_t seed_ = 1;
  std::string weights_, table_;
};

/// An open device on which models run.
class RunSession {
 public:
  explicit RunSession(const RunOptions& options);

  measure::Backend& backend() { return *backend_; }
  measure::ClockMonitor& monitor() { return monitor_; }
  const measure::DeviceInfo& device() const { return device_; }
  /// The catalogue's entry of the device; null: it has none.
  const gpu::Gpu* gpu() const { return gpu_ ? &*gpu_ : nullptr; }
  /// Random weights, or those of the files that the options name.
  run::Weights weights(const shape::Model& model, shape::Dtype dtype);
  /// The key of a product's algorithm, for run::ExecutorOptions.
  std::function<std::string(const op::Operator&)> tuned() const;

 private:
  const RunOptions& options_;
  std::unique_ptr<measure::Backend> backend_;
  measure::DeviceInfo device_;
  measure::ClockMonitor monitor_;
  std::optional<gpu::Gpu> gpu_;
  measure::TuningTable table_;
};

/// Times until there are enough of them or the time is over, of which the first are left out: `time(n)` gives n more.
std::vector<double> sampled(double time_cap_s, const std::function<std::vector<double>(std::int32_t)>& time);

/// Whole numbers of a text file, separated by blanks or lines. Error naming file and word.
std::vector<std::int32_t> read_tokens(const std::string& path);
/// `count` random ones.
std::vector<std::int32_t> random_tokens(std::uint64_t seed, std::int64_t count, std::int64_t vocab);

}  // namespace gemmetry::cli
