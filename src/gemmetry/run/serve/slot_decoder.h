#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/algorithm_use.h"
#include "gemmetry/run/kv_cache.h"
#include "gemmetry/run/next_token.h"
#include "gemmetry/run/serve/split_free.h"
#include "gemmetry/run/serve/token_engine.h"
#include "gemmetry/run/verify/pass_shape.h"
#include "gemmetry/run/weights.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

struct SlotDecoderOptions {
  std::int64_t slots = 8;        ///< requests at the same time
  std::int64_t capacity = 2048;  ///< tokens of a request, prompt and new ones together
  measure::Replay replay = measure::Replay::graph;
  std::function<std::string(const op::Operator&)> tuned;  ///< of prefill and decoding, as ExecutorOptions::tuned
  std::vector<PassShape> windows;                         ///< of the verification passes; empty: any
  /// Each linear layer takes one algorithm in decoding and verification, whatever their rows: see SplitFree. Needs all
  /// `windows`, where there is verification.
  bool pinned_products = false;
  std::int32_t decode_splits = 0;  ///< parts of attention's keys in decoding; 0: as many as is fast
  std::int32_t verify_splits = 1;  ///< in verification: always so many
  std::int64_t prefills = 12;      ///< prefill passes, of a length each, that are kept
};

/// A model that answers requests in slots of a cache, on a device. Prompts run alone, in passes of the next length of
/// 16, 32, 64, ... tokens; decoding at the number of rows given, with the algorithms that are fastest for it;
/// verification always with products and attention that do not see a row's place and neighbours. Decoding gives what
/// verification gives with `pinned_products` and `decode_splits` equal to `verify_splits`; with one of the two, what
/// still differs is the other's. Passes are planned and recorded when they are first needed. Backend, model and weights
/// outlive it.
class SlotDecoder final : public TokenEngine {
 public:
  /// Error for what cannot be executed, or a cache that does not fit, with the slots that would.
  SlotDecoder(measure::Backend& backend, const shape::Model& model, const Weights& weights, SlotDecoderOptions options);

  std::int64_t slots() const override { return options_.slots; }
  std::int64_t capacity() const override { return options_.capacity; }
  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override;
  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override;
  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override;

  /// Plans and records all that serving may need, so that no request waits for it: decoding of up to `rows` requests,
  /// the options' windows, and prompts of up to `longest_prompt` tokens, as far as these are kept.
  void make_ready(std::int64_t rows, std::int64_t longest_prompt);

  /// What products and attention of each pass so far are computed with, in the order in which passes were first needed.
  const std::vector<AlgorithmUse>& algorithms() const { return algorithms_; }

  const KvCache& cache() const { return cache_; }

 private:
  /// A decoding pass, and the rows that it goes on with if nothing is written.
  struct Decoding {
    std::unique_ptr<NextToken> pass;
    std::vector<DecodeRow> next;
  };

  NextToken& prefill_of(std::int64_t tokens);
  Decoding& decoding_of(std::int64_t rows);
  NextToken& verification_of(PassShape shape);
  std::unique_ptr<NextToken> pass(const shape::Workload& workload, const ExecutorOptions& how);
  shape::Workload workload(shape::Phase phase, std::int64_t sequences) const;
  /// The length of the pass for a prompt.
  std::int64_t padded(std::int64_t prompt) const;
  void require_place(std::int32_t slot, std::int64_t position, std::int64_t tokens) const;

  measure::Backend& backend_;
  const shape::Model& model_;
  const Weights& weights_;
  SlotDecoderOptions options_;
  KvCache cache_;
  SplitFree split_free_;
  std::list<std::pair<std::int64_t, std::unique_ptr<NextToken>>> prefills_;  ///< by length, the last used first
  std::map<std::int64_t, Decoding> decodings_;                               ///< by rows
  std::map<std::pair<std::int64_t, std::int64_t>, std::unique_ptr<NextToken>> verifications_;  ///< by batch and window
  std::vector<AlgorithmUse> algorithms_;
};

}  // namespace gemmetry::run
