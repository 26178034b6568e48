#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/run/serve/lengths.h"
#include "gemmetry/run/serve/token_engine.h"

namespace gemmetry::run {

/// What somebody asks for, and when.
struct Request {
  std::int64_t id = 0;   ///< which request it is, however arrivals are ordered
  double arrival_s = 0;  ///< after the trace begins
  std::vector<std::int32_t> prompt;
  std::int64_t new_tokens = 1;
  std::uint64_t seed = 1;             ///< of its draws
  std::optional<bool> deterministic;  ///< unless said, the share that is served so decides
  std::optional<double> cancel_s;     ///< when it is given up, after the trace begins
};

/// Requests by arrival.
using Trace = std::vector<Request>;

/// Arrivals as a Poisson process; requests of random prompts.
struct TraceOptions {
  std::int64_t requests = 100;
  double rate_per_s = 1;
  Lengths prompt;
  Lengths new_tokens;
  std::int64_t vocab = 0;
  std::uint64_t seed = 1;
};

/// Error for no request, a rate or vocabulary that is not positive, or lengths that are none.
Trace random_trace(const TraceOptions& options);

/// Random tokens of a request, from its seed alone.
std::vector<std::int32_t> random_prompt(std::uint64_t seed, std::int64_t length, std::int64_t vocab);

/// The same requests in another order, with other arrivals of the same Poisson rate. Their cancellations keep their
/// distance from the arrival.
Trace reordered(Trace trace, double rate_per_s, std::uint64_t seed);

/// Error naming the first request, from 1, whose time is negative, not finite or before the one in front of it, whose
/// prompt is empty, whose answer is, or which is longer than a slot. `source` is what messages call the trace.
void require_valid(const Trace& trace, std::int64_t capacity, const std::string& source = "trace");

}  // namespace gemmetry::run
