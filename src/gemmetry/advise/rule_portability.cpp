// Case study VII-A: a model trained on nodes of six GPUs that others run on two, four or eight.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/rule_list.h"

namespace gemmetry::advise {
namespace {

constexpr std::array<std::int64_t, 3> usual_degrees{2, 4, 8};
constexpr std::int64_t largest_common_multiple = 4096;  // beyond it no size near the model's serves all degrees

bool runs(const shape::Model& model, const shape::Workload& workload, std::int64_t degree) {
  shape::Workload split = workload;
  split.tensor_parallel = degree;
  split.pipeline_parallel = 1;
  split.sequence_parallel = false;
  return shape::impossible_splits(split, model).empty();
}

/// "which 4 and 8 do not divide": how a number of heads that was made for one degree fares at the others.
std::string elsewhere(std::int64_t heads, const std::vector<std::int64_t>& degrees) {
  std::vector<std::int64_t> failing;
  for (const std::int64_t degree : degrees)
    if (heads % degree != 0) failing.push_back(degree);
  return failing.empty() ? fmt::format("{} heads run at all", heads)
                         : fmt::format("{} heads fail at {}", heads, fmt::join(failing, ", "));
}

/// KV heads that split over, or are copied evenly to, the ranks of every degree, nearest to the model's.
std::int64_t common_kv_heads(std::int64_t wanted, const std::vector<std::int64_t>& degrees) {
  const auto works = [&](std::int64_t kv_heads) {
    return std::ranges::all_of(degrees, [&](std::int64_t t) { return kv_heads % t == 0 || t % kv_heads == 0; });
  };
  for (std::int64_t away = 0; away < wanted; ++away)
    for (const std::int64_t kv_heads : {wanted + away, wanted - away})
      if (kv_heads > 0 && works(kv_heads)) return kv_heads;
  return 1;
}

/// The nearest sizes that split into aligned parts at every degree.
std::string sizes_for_all(const shape::Model& model, std::int64_t threshold, const std::vector<std::int64_t>& degrees) {
  std::int64_t common = 1;
  for (const std::int64_t degree : degrees) {
    common = std::lcm(common, degree);
    if (common > largest_common_multiple) return "no size near its own serves all";
  }
  std::string text = fmt::format("for all: {} heads", multiples_around(model.attention.heads, common));
  if (!model.attention.latent && model.attention.kv_heads != model.attention.heads)
    text += fmt::format(", {} KV heads", common_kv_heads(model.attention.kv_heads, degrees));
  const std::int64_t step = threshold * common;
  text += fmt::format(", hidden {}", multiples_around(model.hidden, step));
  if (model.ffn.width > 0) text += fmt::format(", FFN {}", multiples_around(model.ffn.width, step));
  if (model.experts) text += fmt::format(", experts {} wide", multiples_around(model.experts->width, step));
  return text + fmt::format(" (sizes in multiples of {} x {})", threshold, common);
}

}  // namespace

std::vector<Finding> portability(const shape::Model& model, const shape::Workload& workload, const gpu::Gpu& gpu,
                                 const std::vector<std::int64_t>& asked) {
  if (std::ranges::all_of(asked, [](std::int64_t degree) { return degree == 1; })) return {};
  std::set<std::int64_t> sorted(asked.begin(), asked.end());
  sorted.insert(usual_degrees.begin(), usual_degrees.end());
  const std::vector<std::int64_t> degrees(sorted.begin(), sorted.end());
  std::vector<std::int64_t> running, failing;
  for (const std::int64_t degree : degrees) (runs(model, workload, degree) ? running : failing).push_back(degree);
  const auto failing_asked = std::ranges::find_first_of(failing, asked);

  Finding finding;
  finding.subject = "t";
  finding.paper_threshold = "runs at every t its users have";
  finding.gpu_threshold = finding.paper_threshold;
  finding.tensor_parallel = failing_asked != failing.end() ? *failing_asked : *std::ranges::max_element(asked);
  finding.value = running.empty() ? "none" : fmt::format("{}", fmt::join(running, ", "));
  if (failing.empty()) {
    finding.message = fmt::format("runs at t = {}", fmt::join(running, ", "));
    return {finding};
  }
  finding.verdict = failing_asked != failing.end() ? Verdict::impossible : Verdict::note;
  finding.message = running.empty()
                        ? fmt::format("runs at no t of {}", fmt::join(failing, ", "))
                        : fmt::format("runs at t = {}, not at {}", fmt::join(running, ", "), fmt::join(failing, ", "));
  const std::int64_t heads = model.attention.heads;
  if (failing_asked != failing.end() && heads % *failing_asked != 0) {
    const std::int64_t t = *failing_asked;
    finding.message += fmt::format("; made for {}, {} and {}", t, elsewhere(multiple_below(heads, t), degrees),
                                   elsewhere(multiple_above(heads, t), degrees));
  }
  finding.message += "; " + sizes_for_all(model, gpu::alignment_threshold(gpu, workload.dtype), degrees);
  return {finding};
}

}  // namespace gemmetry::advise
