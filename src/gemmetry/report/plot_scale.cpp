#include "gemmetry/report/plot_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace gemmetry::report {

double PlotScale::place(double number) const {
  if (log) return (std::log(number) - std::log(low)) / (std::log(high) - std::log(low));
  return (number - low) / (high - low);
}

PlotScale plot_scale(const std::vector<double>& numbers, bool log, bool from_zero) {
  std::vector<double> used;
  for (const double number : numbers)
    if (std::isfinite(number) && (!log || number > 0)) used.push_back(number);
  if (used.empty()) return {log ? 1.0 : 0.0, log ? 2.0 : 1.0, log};
  const auto [low, high] = std::minmax_element(used.begin(), used.end());
  PlotScale scale{*low, *high, log};
  if (!log && from_zero) scale.low = std::min(scale.low, 0.0), scale.high = std::max(scale.high, 0.0);
  if (scale.low < scale.high) return scale;
  // One number alone stands in the middle.
  if (log) return {scale.low / 2, scale.high * 2, true};
  const double half = scale.low == 0 ? 1 : std::abs(scale.low) / 2;
  return {scale.low - half, scale.high + half, false};
}

std::vector<double> ticks(const PlotScale& scale, int most) {
  std::vector<double> all;
  most = std::max(most, 1);
  if (scale.log) {
    const int first = static_cast<int>(std::ceil(std::log2(scale.low) - 1e-9));
    const int last = static_cast<int>(std::floor(std::log2(scale.high) + 1e-9));
    const int step = std::max(1, (last - first + most) / most);
    for (int power = first; power <= last; power += step) all.push_back(std::exp2(power));
    return all;
  }
  const double rough = (scale.high - scale.low) / most;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough) step = factor * power;
  for (double i = std::ceil(scale.low / step - 1e-9); i * step <= scale.high + 1e-9 * step; ++i)
    all.push_back(i * step + 0.0);  // no -0
  return all;
}

std::string tick_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 1e7) return fmt::format("{:.0f}", number);
  return fmt::format("{:.4g}", number);
}

}  // namespace gemmetry::report
