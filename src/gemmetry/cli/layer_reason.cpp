#include "gemmetry/cli/layer_reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using report::shown;
using report::Unit;

constexpr std::int64_t aligned_to = 64;  // the paper's rule; no GPU of the catalogue gains beyond it
constexpr double worth_saying = 0.02;    // of the layer's time

std::int64_t rounded_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

std::int64_t power_of_two(std::int64_t size) { return size & -size; }

/// What a layer loses by one of its products.
struct Loss {
  double time_s = 0;
  const op::PricedStep* step = nullptr;
};

void keep_larger(Loss& largest, const Loss& loss) {
  if (loss.time_s > largest.time_s) largest = loss;
}

op::Gemm aligned(op::Gemm gemm) {
  gemm.m = rounded_up(gemm.m, aligned_to);
  gemm.n = rounded_up(gemm.n, aligned_to);
  gemm.k = rounded_up(gemm.k, aligned_to);
  return gemm;
}

/// Its least aligned size: "n 10922 is a multiple of 2 only".
std::string misalignment(const op::Gemm& gemm) {
  const std::pair<const char*, std::int64_t> sizes[] = {{"m", gemm.m}, {"n", gemm.n}, {"k", gemm.k}};
  const auto worst = *std::min_element(std::begin(sizes), std::end(sizes), [](const auto& a, const auto& b) {
    return power_of_two(a.second) < power_of_two(b.second);
  });
  if (power_of_two(worst.second) == 1) return fmt::format("{} = {} is odd", worst.first, worst.second);
  return fmt::format("{} = {} is only a multiple of {}", worst.first, worst.second, power_of_two(worst.second));
}

/// Least time by the GPU's peaks; nothing for what they do not bound.
std::optional<double> roofline(const op::PricedStep& step, const predict::Predictor& predictor) {
  const auto* gemm = std::get_if<op::Gemm>(&step.step.op);
  const auto* attention = std::get_if<op::Attention>(&step.step.op);
  if (std::holds_alternative<op::Collective>(step.step.op)) return std::nullopt;
  const double memory = step.cost.bytes / predictor.gpu().bandwidth;
  if (!gemm && !attention) return memory;
  const double peak = gpu::peak_flops(predictor.gpu(), gemm ? gemm->dtype : attention->dtype);
  return std::max(memory, step.cost.flop / peak);
}

std::string label(const op::Step& step) {
  std::string text(name(step.module));
  if (!step.detail.empty()) text += fmt::format(" ({})", step.detail);
  return step.pass == op::Pass::forward ? text : fmt::format("{}, {}", text, name(step.pass));
}

}  // namespace

std::string layer_reason(const op::PricedProgram& layer, const predict::Predictor& predictor) {
  double total = 0, products = 0, alignment = 0;
  Loss misaligned, slow;
  for (const op::PricedStep& step : layer) {
    const double time = step.count * step.cost.time_s;
    total += time;
    if (step.cost.flop > 0) products += time;
    if (const auto* gemm = std::get_if<op::Gemm>(&step.step.op)) {
      const double lost = time - step.count * predictor.cost(aligned(*gemm)).time_s;
      alignment += std::max(lost, 0.0);
      keep_larger(misaligned, {lost, &step});
    }
    if (const std::optional<double> ideal = roofline(step, predictor))
      keep_larger(slow, {time - step.count * *ideal, &step});
  }
  if (total <= 0) return "";

  std::string text =
      fmt::format("{} of a layer's time is products and attention.", shown(products / total, Unit::fraction));
  if (misaligned.step && alignment > worth_saying * total)
    return text + fmt::format(" Alignment costs {} of it: in {}, {}.", shown(alignment / total, Unit::fraction),
                              label(misaligned.step->step), misalignment(std::get<op::Gemm>(misaligned.step->step.op)));
  if (slow.step)
    text +=
        fmt::format(" Most above the roofline, {} of the layer, is {}: {}.", shown(slow.time_s / total, Unit::fraction),
                    label(slow.step->step), predictor.reason(slow.step->step.op));
  return text;
}

}  // namespace gemmetry::cli
