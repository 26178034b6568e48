#include "gemmetry/run/verify/recompute_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "gemmetry/base/error.h"

namespace gemmetry::run {
namespace {

void require_sensible(double flip_rate, std::int64_t window, std::span<const std::int64_t> lengths) {
  if (!(flip_rate >= 0 && flip_rate <= 1))
    throw Error(fmt::format("a flip rate of {}: state one from 0 to 1", flip_rate));
  if (window < 1) throw Error(fmt::format("a window of {} tokens: state one of at least 1", window));
  if (lengths.empty()) throw Error("no request to tell the recompute cost of: state at least one length");
  for (const std::int64_t length : lengths)
    if (length < 1) throw Error(fmt::format("an output of {} tokens: state one of at least 1", length));
}

/// E(0) to E(most).
std::vector<double> thrown_away(double p, std::int64_t window, std::int64_t most) {
  const double q = 1 - p;
  const auto size = static_cast<std::size_t>(most) + 1;
  const auto full = static_cast<std::size_t>(std::min(window, most + 1));
  const double q_full = std::pow(q, static_cast<double>(window));
  std::vector<double> expected(size, 0);
  double in_window = 0;   // sum_k p q^k (w-k-1)
  double after_flip = 0;  // sum_k p q^k E(m-k-1)
  for (std::size_t m = 1; m < size; ++m) {
    const std::size_t w = std::min(full, m);
    if (m <= full) in_window = p * static_cast<double>(w - 1) + q * in_window;
    after_flip = p * expected[m - 1] + q * after_flip;
    if (m > full) after_flip -= p * q_full * expected[m - 1 - full];
    expected[m] = in_window + after_flip + (m > full ? q_full * expected[m - full] : 0);
  }
  return expected;
}

double cost_of(double flip_rate, std::int64_t window, std::span<const std::int64_t> lengths) {
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const std::vector<double> expected = thrown_away(flip_rate, window, longest - 1);
  double thrown = 0;
  double committed = 0;
  for (const std::int64_t length : lengths) {
    thrown += expected[static_cast<std::size_t>(length - 1)];
    committed += static_cast<double>(length);
  }
  return thrown / committed;
}

}  // namespace

double recompute_cost(double flip_rate, std::int64_t window, std::span<const std::int64_t> lengths) {
  require_sensible(flip_rate, window, lengths);
  return cost_of(flip_rate, window, lengths);
}

double recompute_cost(double flip_rate, std::int64_t window, std::int64_t length) {
  return recompute_cost(flip_rate, window, std::span(&length, 1));
}

double rolled_back_of_window(double flip_rate, std::int64_t tokens) {
  double rolled_back = 0;
  for (std::int64_t n = 1; n <= tokens; ++n)
    rolled_back = flip_rate * static_cast<double>(n - 1) + (1 - flip_rate) * rolled_back;
  return rolled_back;
}

std::optional<double> flip_rate_of(double cost, std::int64_t window, std::span<const std::int64_t> lengths) {
  require_sensible(0, window, lengths);
  if (!(cost >= 0)) return std::nullopt;
  if (cost == 0) return 0;
  if (cost > cost_of(1, window, lengths)) return std::nullopt;
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (cost_of(middle, window, lengths) < cost ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace gemmetry::run
