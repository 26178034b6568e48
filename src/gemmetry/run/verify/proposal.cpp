#include "gemmetry/run/verify/proposal.h"

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/run/verify/recompute_cost.h"

namespace gemmetry::run {

std::string_view name(Aim aim) {
  constexpr std::string_view names[] = {"p99", "total"};
  return names[static_cast<std::size_t>(aim)];
}

ServeMetrics serve_priced(const Trace& trace, const PassPrices& prices, const ProposalOptions& options,
                          std::optional<PassShape> shape, bool fixed_batch) {
  VirtualClock clock;
  PricedEngine engine(options.slots, options.capacity, prices, clock);
  ServeOptions how;
  how.verify = shape;
  how.fixed_batch = fixed_batch;
  how.deterministic = options.deterministic;
  how.change = bernoulli_changes(options.flip_rate, options.seed);
  return serve(engine, trace, how, clock).metrics;
}

Proposal propose(const Trace& trace, const PassPrices& prices, const ProposalOptions& options) {
  if (options.shapes.empty()) throw Error("no shape of verification passes to choose from: state at least one");
  Proposal proposal;
  proposal.unverified = serve_priced(trace, prices, options, std::nullopt);
  proposal.fixed_batch = serve_priced(trace, prices, options, std::nullopt, true);
  for (const PassShape& shape : options.shapes) {
    if (!proposal.cells.empty() && options.stop && options.stop()) break;
    ProposedCell& cell = proposal.cells.emplace_back();
    cell.shape = shape;
    cell.metrics = serve_priced(trace, prices, options, shape);
    const ServeMetrics& metrics = cell.metrics;
    if (!metrics.deterministic_lengths.empty())
      cell.closed_form = recompute_cost(options.flip_rate, shape.window, metrics.deterministic_lengths);
    if (metrics.verify_passes > 0) cell.pass_s = metrics.verify_s / static_cast<double>(metrics.verify_passes);
  }
  const auto best = std::min_element(
      proposal.cells.begin(), proposal.cells.end(),
      [&](const ProposedCell& a, const ProposedCell& b) { return a.by(options.aim) < b.by(options.aim); });
  proposal.best = static_cast<std::size_t>(best - proposal.cells.begin());
  return proposal;
}

}  // namespace gemmetry::run
