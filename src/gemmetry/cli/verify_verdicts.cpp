#include "gemmetry/cli/verify_verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::cli {
namespace {

using Cells = std::vector<VerifyCell>;

VerifyVerdict verdict(std::string claim, std::optional<bool> holds, std::string merit) {
  return {std::move(claim), !holds ? "unknown" : *holds ? "holds" : "does not hold", std::move(merit)};
}

const VerifyCell* find(const Cells& cells, std::int64_t batch, std::int64_t window) {
  for (const VerifyCell& cell : cells)
    if (cell.batch == batch && cell.window == window) return &cell;
  return nullptr;
}

/// Share of a cell's windows that were verified before they were full; counts are of all rounds, these of the first.
double early_share(const VerifyCell& cell) {
  const double all = static_cast<double>(cell.windows) / std::max<double>(1, static_cast<double>(cell.rounds));
  return all > 0 ? static_cast<double>(cell.early_windows) / all : 0;
}

/// Costs over p (W - 1) / 2, of windows so short that this is near and of cells that verify few early.
VerifyVerdict growth(const Cells& cells) {
  const std::string claim = "recompute cost grows as p (W - 1) / 2 where p W is under 1/3";
  std::vector<double> ratios;
  for (const VerifyCell& cell : cells) {
    const double rate = cell.flip_rate.value_or(0);
    const auto window = static_cast<double>(cell.window);
    if (rate > 0 && rate * window < 1.0 / 3 && cell.rollbacks >= 50 && early_share(cell) < 0.2)
      ratios.push_back(cell.recompute_cost / (rate * (window - 1) / 2));
  }
  if (ratios.size() < 3)
    return verdict(claim, std::nullopt, "fewer than three cells with 50 rollbacks and few windows verified early");
  const double median = measure::median(ratios);
  return verdict(claim, median > 0.75 && median < 1.25,
                 fmt::format("{:.2f} of it, median of {} cells", median, ratios.size()));
}

VerifyVerdict saturation(const Cells& cells) {
  const std::string claim = "it saturates where the window is longer than answers";
  const VerifyCell* short_window = find(cells, 1, 16);
  const VerifyCell* twice = find(cells, 1, 32);
  const VerifyCell* longer = find(cells, 1, 256);
  const VerifyCell* longest = find(cells, 1, 512);
  if (!short_window || !twice || !longer || !longest || short_window->recompute_cost <= 0 ||
      longer->recompute_cost <= 0)
    return verdict(claim, std::nullopt, "needs batch 1 with windows 16, 32, 256 and 512");
  const double first = twice->recompute_cost / short_window->recompute_cost;
  const double last = longest->recompute_cost / longer->recompute_cost;
  return verdict(claim, last - 1 < (first - 1) / 2,
                 fmt::format("twice the window costs {:.2f}x from 16 to 32, {:.2f}x from 256 to 512", first, last));
}

VerifyVerdict weak_batch(const Cells& cells) {
  const std::string claim = "the batch matters little beside the window";
  std::map<std::int64_t, std::vector<double>> by_window;
  std::map<std::int64_t, std::vector<double>> by_batch;
  for (const VerifyCell& cell : cells)
    if (cell.recompute_cost > 0) {
      by_window[cell.window].push_back(cell.recompute_cost);
      by_batch[cell.batch].push_back(cell.recompute_cost);
    }
  const auto spread = [](const std::map<std::int64_t, std::vector<double>>& groups) {
    double most = 1;
    for (const auto& [key, costs] : groups) {
      const auto [low, high] = std::minmax_element(costs.begin(), costs.end());
      most = std::max(most, *high / *low);
    }
    return most;
  };
  if (by_window.size() < 2 || by_batch.size() < 2) return verdict(claim, std::nullopt, "needs two batches and windows");
  const double batches = spread(by_window);
  const double windows = spread(by_batch);
  return verdict(
      claim, batches - 1 < (windows - 1) / 4,
      fmt::format("up to {:.2f}x over batches of one window, {:.2f}x over windows of one batch", batches, windows));
}

VerifyVerdict closed_form(const Cells& cells) {
  const std::string claim = "it is what windows of the verified lengths cost at the cell's own flip rate";
  double worst = 0;
  std::int64_t counted = 0;
  std::int64_t over = 0;
  for (const VerifyCell& cell : cells) {
    if (!cell.window_form || *cell.window_form <= 0 || cell.rollbacks < 50) continue;
    ++counted;
    const double apart = std::abs(cell.recompute_cost / *cell.window_form - 1);
    if (apart > 3 * std::sqrt(4.0 / 3 / static_cast<double>(cell.rollbacks))) ++over;
    worst = std::max(worst, apart);
  }
  if (counted == 0) return verdict(claim, std::nullopt, "no cell with 50 rollbacks");
  return verdict(
      claim, over == 0,
      fmt::format("{} of {} cells beyond 3 counting errors; at most {:.0f} % apart", over, counted, 100 * worst));
}

VerifyVerdict u_shape(const Cells& cells) {
  const std::string claim = "total time is lowest between the shortest and the longest windows";
  const VerifyCell* first = find(cells, 1, 16);
  const VerifyCell* last = find(cells, 1, 512);
  if (!first || !last) return verdict(claim, std::nullopt, "needs batch 1 with windows 16 and 512");
  const auto best = std::min_element(cells.begin(), cells.end(),
                                     [](const VerifyCell& a, const VerifyCell& b) { return a.time_s < b.time_s; });
  return verdict(claim, best->time_s < std::min(first->time_s, last->time_s),
                 fmt::format("{:.4g} s at {} x {}; {:.4g} s at 1 x 16, {:.4g} s at 1 x 512", best->time_s, best->batch,
                             best->window, first->time_s, last->time_s));
}

VerifyVerdict predicted_total(const Cells& cells) {
  const std::string claim = "total time is predicted within 8 %";
  double worst = 0;
  const VerifyCell* of = nullptr;
  for (const VerifyCell& cell : cells)
    if (cell.predicted_time_s && std::abs(*cell.predicted_time_s / cell.time_s - 1) >= worst) {
      worst = std::abs(*cell.predicted_time_s / cell.time_s - 1);
      of = &cell;
    }
  if (!of) return verdict(claim, std::nullopt, "nothing was predicted: the GPU is not in the catalogue");
  return verdict(claim, worst <= 0.08,
                 fmt::format("at most {:.1f} % apart, at {} x {}", 100 * worst, of->batch, of->window));
}

/// The shape that the prediction picks, against the best measured one.
VerifyVerdict proposed(const Cells& cells, const std::string& what, double VerifyCell::*measured,
                       std::optional<double> VerifyCell::*predicted) {
  const std::string claim = fmt::format("the shape proposed by {} is within 3 % of the best", what);
  const VerifyCell* pick = nullptr;
  const VerifyCell* best = nullptr;
  for (const VerifyCell& cell : cells) {
    if (!(cell.*predicted)) return verdict(claim, std::nullopt, "nothing was predicted");
    if (!pick || *(cell.*predicted) < *(pick->*predicted)) pick = &cell;
    if (!best || cell.*measured < best->*measured) best = &cell;
  }
  if (cells.size() < 2) return verdict(claim, std::nullopt, "needs several shapes");
  const double over = pick->*measured / (best->*measured) - 1;
  return verdict(claim, over <= 0.03,
                 fmt::format("{} x {} is {:.1f} % over {} x {}", pick->batch, pick->window, 100 * over, best->batch,
                             best->window));
}

}  // namespace

report::Tone VerifyVerdict::tone() const {
  if (standing == "holds") return report::Tone::good;
  return standing == "unknown" ? report::Tone::faint : report::Tone::bad;
}

std::vector<VerifyVerdict> verify_verdicts(const Cells& cells) {
  return {growth(cells),
          saturation(cells),
          weak_batch(cells),
          closed_form(cells),
          u_shape(cells),
          predicted_total(cells),
          proposed(cells, "total time", &VerifyCell::time_s, &VerifyCell::predicted_time_s),
          proposed(cells, "P99", &VerifyCell::end_to_end_p99_s, &VerifyCell::predicted_p99_s)};
}

}  // namespace gemmetry::cli
