#include <fmt/format.h>

#include <numeric>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/rule_list.h"
#include "gemmetry/advise/size_rule.h"

namespace gemmetry::advise {
namespace {

/// `model` with another hidden size. Where the heads make up the hidden size they do so again: as many more of the same
/// dimension if they split over the ranks, otherwise the same number of another.
std::optional<shape::Model> with_hidden(const shape::Model& model, std::int64_t hidden, std::int64_t t) {
  shape::Model changed = model;
  changed.hidden = hidden;
  if (model.embedding_width == model.hidden) changed.embedding_width = hidden;
  shape::AttentionShape& attention = changed.attention;
  if (attention.latent || attention.heads * attention.head_dim != model.hidden) return changed;
  if (hidden % attention.head_dim == 0 && hidden / attention.head_dim % t == 0)
    return with_heads(changed, hidden / attention.head_dim, t);
  if (hidden % attention.heads != 0) return std::nullopt;
  if (attention.rotary_dim == attention.head_dim) attention.rotary_dim = hidden / attention.heads;
  attention.head_dim = attention.value_dim = hidden / attention.heads;
  attention.rotary_dim = std::min(attention.rotary_dim, attention.head_dim);
  return changed;
}

}  // namespace

std::vector<Finding> vocabulary(const Case& of) {
  if (!of.model().head.present) return {};
  const SizeRule rule{.subject = "v/t",
                      .what = "vocabulary",
                      .size = of.model().vocab,
                      .grows_only = true,
                      .padded = true,
                      .in_base = true,
                      .with = [&](std::int64_t vocab) -> std::optional<shape::Model> {
                        shape::Model changed = of.base();
                        changed.vocab = vocab;
                        return changed;
                      }};
  return {judge_size(of, rule)};
}

std::vector<Finding> hidden_per_rank(const Case& of) {
  const shape::AttentionShape& attention = of.model().attention;
  // What is split is the width of the heads; only where that is the hidden size can the split fail.
  const SizeRule rule{
      .subject = "h/t",
      .what = "hidden size",
      .size = of.model().hidden,
      .grows_only = false,
      .padded = attention.heads * attention.head_dim != of.model().hidden,
      .in_base = false,
      .with = [&](std::int64_t hidden) { return with_hidden(of.base(), hidden, of.tensor_parallel()); }};
  return {judge_size(of, rule)};
}

std::vector<Finding> tokens(const Case& of) {
  const shape::Workload& workload = of.workload();
  if (workload.phase == shape::Phase::decode) return {};
  const std::int64_t count = workload.batch * workload.sequence;
  Finding finding = of.finding("b s");
  finding.value = fmt::format("{} ({} x {})", count, workload.batch, workload.sequence);
  // Tokens are rows: in row-major matrices only the scores of unfused attention have them along the contiguous
  // dimension.
  const bool scores = workload.attention != shape::AttentionKind::fused;
  const bool gpu_met = !scores || workload.sequence % of.gpu_threshold() == 0;
  finding.gpu_threshold =
      scores ? fmt::format("s a {}", finding.gpu_threshold) : fmt::format("any on {}", of.gpu().name);
  if (count % Case::paper_threshold == 0 && gpu_met) {
    finding.message = fmt::format("{} tokens a step are aligned", count);
    return {finding};
  }
  std::int64_t step = Case::paper_threshold / std::gcd(workload.batch, Case::paper_threshold);
  if (scores) step = std::lcm(step, of.gpu_threshold());
  shape::Workload changed = workload;
  changed.sequence = nearest_multiple(workload.sequence, step);
  // A position table may bound the sequence.
  if (of.model().positions == shape::Positions::learned && of.model().max_positions > 0 &&
      changed.sequence > of.model().max_positions)
    changed.sequence = multiple_below(workload.sequence, step);
  finding.cost = of.saving(workload, changed);
  finding.verdict = grade(gpu_met, finding.cost);
  finding.message = fmt::format("{} tokens a step are no multiple of {}; sequence {} {}", count, Case::paper_threshold,
                                changed.sequence, in_words(finding.cost));
  return {finding};
}

}  // namespace gemmetry::advise
