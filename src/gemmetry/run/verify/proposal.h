#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "gemmetry/run/serve/priced_engine.h"
#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/trace.h"
#include "gemmetry/run/verify/pass_shape.h"

// What it predicts: how long a trace takes to serve with passes of each shape, and which shape is best.
// Formula: the serving loop itself, over passes that take what they are priced at and drafts that differ from the
// verifier's with one probability, each on its own.
// Range: as many requests as the trace has; its tail quantiles are as noisy as a measured trace's.
// Ignores: that flips may come in bursts or depend on the live batch.
// Source: docs/verified_decoding.md.

namespace gemmetry::run {

/// What makes a shape the best.
enum class Aim { p99, total };
std::string_view name(Aim aim);

struct ProposalOptions {
  std::int64_t slots = 64;
  std::int64_t capacity = 2048;
  double flip_rate = 0;  ///< of drafts, from 0 to 1
  double deterministic = 1;
  Aim aim = Aim::p99;
  std::uint64_t seed = 1;
  std::vector<PassShape> shapes = usual_pass_shapes();
  std::function<bool()> stop;  ///< asked between shapes: whether to leave out the rest
};

/// One shape, served.
struct ProposedCell {
  PassShape shape;
  double closed_form = 0;  ///< recompute cost of the trace's deterministic requests, none verified early
  double pass_s = 0;       ///< a verification pass on average
  ServeMetrics metrics;

  double by(Aim aim) const { return aim == Aim::p99 ? metrics.end_to_end_s.p99 : metrics.time_s; }
};

struct Proposal {
  std::vector<ProposedCell> cells;  ///< in the order of the shapes
  std::size_t best = 0;
  ServeMetrics unverified;
  ServeMetrics fixed_batch;  ///< the batch-invariant baseline, at the prices of the fastest algorithms
};

/// Serves the trace with each shape and without verification. Error for options that make no sense.
Proposal propose(const Trace& trace, const PassPrices& prices, const ProposalOptions& options);

/// One of them alone: without shape, nobody is verified.
ServeMetrics serve_priced(const Trace& trace, const PassPrices& prices, const ProposalOptions& options,
                          std::optional<PassShape> shape, bool fixed_batch = false);

}  // namespace gemmetry::run
