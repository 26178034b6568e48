#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/execution.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/weights.h"

namespace gemmetry::run {

struct WholeOptions {
  measure::Sampling sampling;                             ///< but for the clocks, which the setting states
  std::uint64_t seed = 1;                                 ///< of random weights and tokens
  std::function<std::string(const op::Operator&)> tuned;  ///< as ExecutorOptions::tuned
  std::string tool;                                       ///< version, for the record
  std::string command;                                    ///< that makes it again, likewise
};

/// Executes layers, models and answers on one device, with random weights. Those of the last model are kept, since
/// sweeps ask for the same again.
///
/// A layer: its kernels alone, of as many layers one after the other as have weights of twice the L2 (eight at most),
/// over their number; its hidden states come from an embedding of 64 tokens. A layer's training step: its operators one
/// after the other, each on buffers of its own. A model: all calls of run::Executor. An answer: prefill and steps of
/// run::Decoder, by the device's clock. What decodes runs fused steps, as run::Decoder does.
class WholeRunner {
 public:
  WholeRunner(measure::Backend& backend, measure::ClockMonitor& monitor, WholeOptions options);

  /// The record of a whole: skipped with the reason where it cannot be executed or does not fit. Throws BackendError
  /// when the device is lost.
  measure::Execution execute(const measure::Whole& whole, const measure::Setting& setting);

  const measure::DeviceInfo& device() const { return device_; }
  WholeOptions& options() { return options_; }

 private:
  struct Loaded {
    shape::Model model;
    shape::Dtype dtype = shape::Dtype::bf16;
    std::optional<Weights> weights;
  };
  const Weights& weights(Loaded& place, const shape::Model& model, shape::Dtype dtype);
  void run_model(const measure::Whole& whole, measure::Execution& execution);
  void run_layer(const measure::Whole& whole, measure::Execution& execution);
  void run_training_layer(const measure::Whole& whole, measure::Execution& execution);
  void run_answer(const measure::Whole& whole, measure::Execution& execution);
  /// In turns; where the time cap left too few samples to tell their spread, as many as tell it.
  std::vector<measure::Measurement> sampled(const std::vector<measure::Subject*>& subjects,
                                            const measure::Setting& setting);

  measure::Backend& backend_;
  measure::ClockMonitor& monitor_;
  WholeOptions options_;
  measure::DeviceInfo device_;
  Loaded own_, baseline_;
};

}  // namespace gemmetry::run
