#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/kv_cache.h"
#include "gemmetry/run/next_token.h"
#include "gemmetry/run/weights.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// How next tokens are drawn.
struct Sampling {
  float temperature = 0;   ///< 0: the likeliest token, the first of equals
  std::uint64_t seed = 1;  ///< of the request in slot 0; the next slot's is one more
};

struct DecoderOptions {
  std::int64_t slots = 1;        ///< requests at the same time
  std::int64_t capacity = 2048;  ///< tokens of a request, prompt and new ones together
  measure::Replay replay = measure::Replay::graph;
  Sampling sampling;
  std::function<std::string(const op::Operator&)> tuned;  ///< as ExecutorOptions::tuned
};

using Tokens = std::vector<std::int32_t>;

/// Requests that are answered token by token over a cache of keys and values: a prefill for each prompt, then steps of
/// one token for the requests in slots 0, 1, ... A request's tokens do not depend on what stands in other slots.
/// Backend, model and weights outlive it.
class Decoder {
 public:
  /// Error for what cannot be executed or does not fit.
  Decoder(measure::Backend& backend, const shape::Model& model, const Weights& weights, DecoderOptions options);

  /// Puts prompts of one length into slots `first_slot`, first_slot + 1, ... and draws their next tokens, in order.
  /// Error where prompts differ in length, are empty, or do not fit into slots or capacity.
  Tokens prefill(const std::vector<Tokens>& prompts, std::int64_t first_slot = 0);

  /// Draws the next token of the requests in slots 0 to requests - 1. Error where one has no room left.
  Tokens step(std::int64_t requests);

  /// `new_tokens` for each prompt, of any lengths, at most as many prompts as slots.
  std::vector<Tokens> generate(const std::vector<Tokens>& prompts, std::int64_t new_tokens);

  /// Times of `repeats` prefills of prompts as they were last put in, in seconds; what they draw is the same.
  std::vector<double> time_prefill(std::int32_t repeats);
  /// Times of `steps` steps without a gap, in seconds. The requests go on by as many tokens, which nobody reads.
  std::vector<double> time_steps(std::int64_t requests, std::int32_t steps);
  /// Forgets tokens of requests: slots 0 to requests - 1 have `cached` tokens, whatever they are.
  void rewind(std::int64_t requests, std::int64_t cached);

  const KvCache& cache() const { return cache_; }

 private:
  /// A request: tokens whose keys and values are in the cache, and the one that comes next.
  struct Request {
    std::int32_t cached = 0;
    std::int32_t next = 0;
  };
  NextToken& prefill_of(std::int64_t sequences, std::int64_t length);
  /// The pass for so many requests, its arrays as the requests are.
  NextToken& pass_of(std::int64_t requests);
  void require_room(std::int64_t requests, std::int64_t tokens) const;
  /// The token that follows n others is drawn with position n, in whichever pass: `ahead` of what is in the cache.
  void set_sampling(Inputs& inputs, std::int64_t first_slot, std::int32_t ahead) const;
  ExecutorOptions executor_options() const;

  measure::Backend& backend_;
  const shape::Model& model_;
  const Weights& weights_;
  DecoderOptions options_;
  KvCache cache_;
  std::vector<Request> requests_;       ///< of each slot
  std::unique_ptr<NextToken> prefill_;  ///< of the last shape
  std::int64_t prefill_length_ = 0;
  std::map<std::int64_t, std::unique_ptr<NextToken>> passes_;  ///< by number of requests
  std::int64_t current_ = 0;  ///< requests of the pass whose arrays are as the requests are; 0: none is
};

}  // namespace gemmetry::run
