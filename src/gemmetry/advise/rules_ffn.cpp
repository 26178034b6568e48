#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/rule_list.h"
#include "gemmetry/advise/size_rule.h"

namespace gemmetry::advise {
namespace {

constexpr double swiglu_band = 0.02;      // brute force around the width: the parameters stay about the same
constexpr std::int64_t most_widths = 96;  // priced by it; large models take a wider step

struct Widths {
  bool dense = false;
  bool sparse = false;
};

Widths widths_of(const shape::Model& model) {
  Widths widths;
  for (const shape::LayerGroup& group : shape::layer_groups(model))
    (group.kind.sparse ? widths.sparse : widths.dense) = true;
  return widths;
}

/// The base of the case with one of its widths replaced.
template <class Set>
SizeRule width_rule(const Case& of, std::string_view subject, std::string_view what, std::int64_t size, Set set) {
  return {.subject = std::string(subject),
          .what = std::string(what),
          .size = size,
          .grows_only = false,
          .padded = false,
          .in_base = true,
          .with = [&of, set](std::int64_t width) -> std::optional<shape::Model> {
            shape::Model changed = of.base();
            set(changed, width);
            return changed;
          }};
}

}  // namespace

std::vector<Finding> ffn_width(const Case& of) {
  const shape::Model& model = of.model();
  const Widths widths = widths_of(model);
  std::vector<Finding> findings;
  if (widths.dense)
    findings.push_back(judge_size(of, width_rule(of, "d_ff/t", "FFN width", model.ffn.width,
                                                 [](shape::Model& m, std::int64_t w) { m.ffn.width = w; })));
  if (!widths.sparse || !model.experts) return findings;
  findings.push_back(judge_size(of, width_rule(of, "expert d_ff/t", "expert width", model.experts->width,
                                               [](shape::Model& m, std::int64_t w) { m.experts->width = w; })));
  if (model.experts->shared_width > 0)
    findings.push_back(
        judge_size(of, width_rule(of, "shared d_ff/t", "width of the shared experts", model.experts->shared_width,
                                  [](shape::Model& m, std::int64_t w) { m.experts->shared_width = w; })));
  return findings;
}

std::vector<Finding> swiglu(const Case& of) {
  const shape::Model& model = of.model();
  if (!model.ffn.gated || !widths_of(model).dense) return {};
  const std::int64_t width = model.ffn.width;
  const double ratio = static_cast<double>(width) / static_cast<double>(model.hidden);
  const bool literal = std::abs(3 * width - 8 * model.hidden) <= 3;  // 8h/3, rounded either way
  const std::int64_t per_rank = of.gpu_threshold() * of.tensor_parallel();
  Finding finding = of.finding("d_ff/h");
  finding.value = fmt::format("{:.4f} ({}/{})", ratio, width, model.hidden);
  finding.paper_threshold = fmt::format("near 8/3 and a multiple of {}", Case::paper_threshold);

  // Section VII-B's brute-force search, around the width the model has.
  const auto reach = static_cast<std::int64_t>(swiglu_band * static_cast<double>(width));
  const std::int64_t first = multiple_above(std::max<std::int64_t>(1, width - reach), per_rank), last = width + reach;
  std::int64_t step = per_rank;
  while ((last - first) / step >= most_widths) step += per_rank;
  std::int64_t best = 0, widths = 0, faster = 0;
  double best_time = 0;
  shape::Model changed = of.base();
  const double own_time = of.normalised_time(of.base()).value_or(0);
  for (std::int64_t other = first; other <= last; other += step) {
    changed.ffn.width = other;
    const auto time = of.normalised_time(changed);
    if (!time) continue;
    ++widths;
    faster += *time < own_time;
    if (best == 0 || *time < best_time) {
      best = other;
      best_time = *time;
    }
  }
  const bool aligned = width % per_rank == 0;
  const std::string_view origin = literal ? " is 8h/3 as written" : "";
  if (best == 0 || (aligned && best_time >= own_time)) {
    finding.message = fmt::format("FFN width {}{}: none of {} widths within 2 % is faster", width, origin, widths);
    return {finding};
  }
  changed.ffn.width = best;
  const auto saving = of.saving(changed);
  const Verdict verdict = grade(aligned, saving);
  if (verdict == Verdict::note) {
    finding.message =
        fmt::format("FFN width {}{}: of {} widths within 2 %, {} are faster, none by more than 1 % beyond the error",
                    width, origin, widths, faster);
    return {finding};
  }
  finding.verdict = verdict;
  finding.cost = saving;
  finding.message = fmt::format("FFN width {}{}; the best of {} widths within 2 %, {}, {}", width, origin, widths, best,
                                in_words(saving));
  return {finding};
}

}  // namespace gemmetry::advise
