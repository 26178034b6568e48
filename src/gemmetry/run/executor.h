#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/op/program.h"
#include "gemmetry/run/algorithm_use.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/run/inputs.h"
#include "gemmetry/run/kv_cache.h"
#include "gemmetry/run/planned.h"
#include "gemmetry/run/weights.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

struct ExecutorOptions {
  /// Where prefill writes and decode reads; null: prefill and decode make their own, a slot a sequence, in decode full
  /// of random keys and values of which each sequence has workload.cache.
  const KvCache* cache = nullptr;
  /// The key of the algorithm for a product; empty: the library's first choice.
  std::function<std::string(const op::Operator&)> tuned;
  /// Several steps in one launch, since a decoding step has little else than launches: products add to the residual
  /// stream themselves; in decode, queries and keys are rotated on the way into the cache, and of few rows the FFN's
  /// first products compute the activation, the library's own algorithm for these whatever is tuned. The times of the
  /// steps then have one row for what is done at once, that of the first with a detail of its own: "and residual",
  /// "rotary and append", "up and activation", "gate, up and activation".
  bool fused_steps = false;
  /// Of fused steps: whether products compute activations. Without, products are all those that `tuned` is asked about.
  bool activated_products = true;
  /// Products take the algorithm that is tuned or none: an Error where there is none, or where the device refuses it.
  bool only_tuned = false;
  /// Decode: sequences read the cache of any slots, as Inputs::sequence_slots says, rather than of slots 0, 1, ...
  bool any_slots = false;
  /// Decode: parts in which attention sums the keys, see measure::AttentionKernel; 0: as many as is fast.
  std::int32_t attention_splits = 0;
  /// What a layer takes from the one before is kept, so that `calls_of` layers can be replayed by themselves.
  bool parts_again = false;
};

/// What a step of the program took in one run of the whole model.
struct StepTime {
  op::Step step;
  op::Part part = op::Part::embedding;
  std::int64_t runs = 0;  ///< how often it ran: once, or once a layer
  double time_s = 0;      ///< of all of them together
};

/// A model's program, planned and on its buffers: the whole model from tokens to logits, layer by layer. Backend,
/// model, weights and cache outlive it.
class Executor {
 public:
  /// Error for what cannot be executed or does not fit; throws BackendError where the device refuses.
  Executor(measure::Backend& backend, const shape::Model& model, const shape::Workload& workload,
           const Weights& weights, ExecutorOptions options = {});

  /// batch x sequence tokens, sequence by sequence; in decode the new ones of each.
  void set_tokens(std::span<const std::int32_t> tokens) { inputs_.set_tokens(tokens); }
  Inputs& inputs() { return inputs_; }

  /// Runs once, call by call, and waits.
  void run();

  /// What the last run left: [rows, columns], see logit_rows; hidden states where the model has no head.
  std::vector<float> logits() const;
  std::int64_t logit_rows() const { return logit_rows_; }
  std::int64_t logit_columns() const { return logit_columns_; }
  void* logits_buffer() const { return logits_; }

  /// Time of each of `replays` runs without a gap, in seconds.
  std::vector<double> time(std::int32_t replays, measure::Replay replay);
  /// Time of each step, in the order of the program: the median of `repeats` runs whose calls are timed one by one.
  std::vector<StepTime> step_times(std::int32_t repeats);

  /// What products and attention are computed with, in the program's order.
  const std::vector<AlgorithmUse>& algorithms() const { return algorithms_; }

  /// All calls of a run, to be recorded with others behind them.
  std::span<const measure::Call> calls() const { return calls_; }
  /// Those of these parts alone, in their order: with `parts_again`, after a run, they find what they take.
  std::vector<measure::Call> calls_of(std::span<const op::Part> parts) const;
  const op::Program& program() const { return program_; }
  /// Activations and workspace on the device.
  std::int64_t bytes() const { return arena_.bytes() + workspace_.bytes(); }

 private:
  void build(measure::Backend& backend, const Weights& weights, const ExecutorOptions& options);

  measure::Backend& backend_;
  const shape::Model& model_;
  shape::Workload workload_;
  op::Program program_;
  std::unique_ptr<KvCache> own_cache_;
  const KvCache* cache_;
  Inputs inputs_;
  DeviceBuffer arena_, workspace_;
  std::vector<Planned> plans_;
  std::vector<AlgorithmUse> algorithms_;
  std::vector<std::vector<void*>> operands_;  ///< of each call
  std::vector<measure::Call> calls_;
  struct Source {
    std::size_t step = 0;  ///< of the program
    std::string_view detail;
    op::Part part = op::Part::embedding;
  };
  std::vector<Source> sources_;  ///< of each call
  void* logits_ = nullptr;
  std::int64_t logit_rows_ = 0;
  std::int64_t logit_columns_ = 0;
};

}  // namespace gemmetry::run
