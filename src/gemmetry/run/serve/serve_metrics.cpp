#include "gemmetry/run/serve/serve_metrics.h"

#include <numeric>

#include "gemmetry/measure/statistics.h"
#include "gemmetry/run/verify/recompute_cost.h"

namespace gemmetry::run {
namespace {

double ratio(double over, double under) { return under > 0 ? over / under : 0; }

}  // namespace

Spread spread_of(std::span<const double> times_s) {
  if (times_s.empty()) return {};
  return {std::accumulate(times_s.begin(), times_s.end(), 0.0) / static_cast<double>(times_s.size()),
          measure::median(times_s), measure::quantile(times_s, 0.99)};
}

void WindowCount::add(const WindowOutcome& outcome) {
  ++windows;
  kept += outcome.kept;
  rollbacks += outcome.mismatch ? 1 : 0;
  rolled_back += outcome.rolled_back;
}

WindowCount& WindowCount::operator+=(const WindowCount& other) {
  windows += other.windows;
  kept += other.kept;
  rollbacks += other.rollbacks;
  rolled_back += other.rolled_back;
  return *this;
}

double ServeMetrics::tokens_per_s() const { return ratio(static_cast<double>(committed), time_s); }

double ServeMetrics::mean_batch() const {
  return ratio(static_cast<double>(decoded), static_cast<double>(decode_steps));
}

double ServeMetrics::recompute_cost() const {
  return ratio(static_cast<double>(windows.rolled_back), static_cast<double>(deterministic_tokens));
}

std::optional<double> ServeMetrics::flip_rate() const {
  if (windows.kept == 0) return std::nullopt;
  return static_cast<double>(windows.rollbacks) / static_cast<double>(windows.kept);
}

std::optional<double> ServeMetrics::inverted_flip_rate(std::int64_t window) const {
  if (deterministic_lengths.empty()) return std::nullopt;
  return flip_rate_of(recompute_cost(), window, deterministic_lengths);
}

}  // namespace gemmetry::run
