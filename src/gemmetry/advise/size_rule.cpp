#include "gemmetry/advise/size_rule.h"

#include <fmt/format.h>

#include "gemmetry/advise/nearest.h"

namespace gemmetry::advise {
namespace {

std::string per_rank_text(std::int64_t size, std::int64_t t) {
  if (t == 1) return fmt::format("{}", size);
  return size % t == 0 ? fmt::format("{} ({}/{})", size / t, size, t)
                       : fmt::format("{:.1f} ({}/{})", static_cast<double>(size) / static_cast<double>(t), size, t);
}

std::string sizes_text(std::int64_t first, std::int64_t second, std::int64_t first_step, std::int64_t second_step,
                       std::int64_t t) {
  const std::string ranks = t == 1 ? "" : fmt::format(" x {}", t);
  if (first == second) return fmt::format("{} (multiple of {}{})", first, second_step, ranks);
  return fmt::format("{} (multiple of {}{}) or {} (of {}{})", first, first_step, ranks, second, second_step, ranks);
}

}  // namespace

Finding judge_size(const Case& of, const SizeRule& rule) {
  const std::int64_t t = of.tensor_parallel();
  const std::int64_t gpu_step = of.gpu_threshold(), paper_step = Case::paper_threshold;
  const bool splits = rule.size % t == 0;
  const bool gpu_met = splits && rule.size / t % gpu_step == 0;
  Finding finding = of.finding(rule.subject);
  finding.value = per_rank_text(rule.size, t);
  if (splits && rule.size / t % paper_step == 0) {
    finding.message = fmt::format("{} {} is aligned", rule.what, rule.size);
    return finding;
  }

  const auto nearest = [&](std::int64_t step) {
    return rule.grows_only ? multiple_above(rule.size, step * t) : nearest_multiple(rule.size, step * t);
  };
  const std::int64_t gpu_size = nearest(gpu_step), paper_size = nearest(paper_step);
  for (const std::int64_t size : {gpu_size, paper_size})
    if (size != rule.size && (splits || rule.padded || rule.in_base))
      if (const auto model = rule.with(size)) keep_larger(finding.cost, of.saving(*model));

  const std::string fix = gpu_met ? sizes_text(paper_size, paper_size, paper_step, paper_step, t)
                                  : sizes_text(gpu_size, paper_size, gpu_step, paper_step, t);
  if (!splits && !rule.padded) {
    finding.verdict = Verdict::impossible;
    const std::int64_t divides = nearest_multiple(rule.size, t);
    finding.message = fmt::format("{} {} does not split over {} GPUs", rule.what, rule.size, t);
    if (finding.cost && divides / t % gpu_step != 0)
      finding.message +=
          fmt::format("; {} would but is misaligned, against which {} {}", divides, fix, in_words(finding.cost));
    else
      finding.message += fmt::format("; {} would", fix);
    return finding;
  }
  finding.verdict = grade(gpu_met, finding.cost);
  if (gpu_met)
    finding.message =
        fmt::format("{} {} is aligned for {} but no multiple of {}{}; {} {}", rule.what, rule.size, of.gpu().name,
                    paper_step, t == 1 ? "" : fmt::format(" x {}", t), fix, in_words(finding.cost));
  else
    finding.message = fmt::format("{} {} is misaligned; {} {}", rule.what, rule.size, fix, in_words(finding.cost));
  if (!of.possible()) finding.message += " (priced with the nearest sizes that split)";
  return finding;
}

}  // namespace gemmetry::advise
