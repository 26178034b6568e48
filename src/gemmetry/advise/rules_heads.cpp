#include <fmt/format.h>

#include <cstdlib>
#include <limits>

#include "gemmetry/advise/nearest.h"
#include "gemmetry/advise/rule_list.h"

namespace gemmetry::advise {
namespace {

constexpr std::int64_t largest_head_dim = 256;  // fused attention kernels go no further

struct HeadChoice {
  std::int64_t heads;
  std::int64_t head_dim;
};

/// The heads of the same width in all whose dimension is a multiple of `step`: the next smaller and the next larger
/// dimension.
std::vector<HeadChoice> neighbours(const shape::Model& model, std::int64_t step, std::int64_t t) {
  const shape::AttentionShape& attention = model.attention;
  const std::int64_t width = attention.heads * attention.head_dim;
  std::optional<HeadChoice> smaller, larger;
  for (std::int64_t dim = step; dim <= largest_head_dim; dim += step) {
    if (width % dim != 0 || width / dim % t != 0 || dim == attention.head_dim) continue;
    if (dim < attention.head_dim) smaller = {width / dim, dim};
    if (dim > attention.head_dim && !larger) larger = {width / dim, dim};
  }
  std::vector<HeadChoice> choices;
  if (smaller) choices.push_back(*smaller);
  if (larger) choices.push_back(*larger);
  return choices;
}

shape::Model with_head_choice(const shape::Model& model, const HeadChoice& choice, std::int64_t t) {
  shape::Model changed = with_heads(model, choice.heads, t);
  shape::AttentionShape& attention = changed.attention;
  attention.rotary_dim = attention.rotary_dim * choice.head_dim / attention.head_dim / 2 * 2;
  attention.head_dim = attention.value_dim = choice.head_dim;
  return changed;
}

/// A finding of a count that must be a multiple of t.
Finding judge_count(const Case& of, std::string subject, std::string_view what, std::int64_t count, bool splits) {
  const std::int64_t t = of.tensor_parallel();
  Finding finding = of.finding(std::move(subject));
  finding.paper_threshold = fmt::format("multiple of t = {}", t);
  finding.gpu_threshold = fmt::format("multiple of t = {}", t);
  finding.value = t == 1 ? fmt::format("{}", count)
                         : fmt::format("{:.4g} ({}/{})", static_cast<double>(count) / static_cast<double>(t), count, t);
  finding.verdict = splits ? Verdict::ok : Verdict::impossible;
  if (splits)
    finding.message = fmt::format("{} {} split evenly over {} GPU{}", count, what, t, t == 1 ? "" : "s");
  else
    finding.message =
        fmt::format("{} {} do not split over {} GPUs; {} would", count, what, t, multiples_around(count, t));
  return finding;
}

}  // namespace

std::vector<Finding> head_dim(const Case& of) {
  const shape::AttentionShape& attention = of.model().attention;
  const std::int64_t dim = attention.head_dim;
  const bool gpu_met = dim % of.gpu_threshold() == 0;
  Finding finding = of.finding("h/a");
  const bool ratio = attention.heads * dim == of.model().hidden;
  finding.value = ratio ? fmt::format("{} ({}/{})", dim, of.model().hidden, attention.heads) : fmt::format("{}", dim);
  if (dim % Case::paper_threshold == 0) {
    finding.message = fmt::format("head dimension {} is aligned", dim);
    return {finding};
  }
  std::string choices;
  if (!attention.latent) {
    std::vector<HeadChoice> all = neighbours(of.base(), Case::paper_threshold, of.tensor_parallel());
    if (!gpu_met)
      for (const HeadChoice& choice : neighbours(of.base(), of.gpu_threshold(), of.tensor_parallel()))
        all.push_back(choice);
    std::optional<HeadChoice> best;
    for (const HeadChoice& choice : all) {
      const auto saving = of.saving(with_head_choice(of.base(), choice, of.tensor_parallel()));
      if (saving && (!finding.cost || saving->value > finding.cost->value)) {
        finding.cost = saving;
        best = choice;
      }
    }
    if (best) choices = fmt::format("{} heads of {}", best->heads, best->head_dim);
  }
  finding.verdict = grade(gpu_met, finding.cost);
  const std::string found = gpu_met ? fmt::format("head dimension {} is aligned for {} but no multiple of {}", dim,
                                                  of.gpu().name, Case::paper_threshold)
                                    : fmt::format("head dimension {} is misaligned", dim);
  finding.message = choices.empty()
                        ? fmt::format("{}; no other number of heads of the same width keeps the rule", found)
                        : fmt::format("{}; {} {}", found, choices, in_words(finding.cost));
  return {finding};
}

std::vector<Finding> batch_heads(const Case& of) {
  const std::int64_t count = of.workload().batch * of.model().attention.heads;
  Finding finding = judge_count(of, "b a/t", "batched heads (b a)", count, count % of.tensor_parallel() == 0);
  return {finding};
}

std::vector<Finding> heads_per_rank(const Case& of) {
  const std::int64_t heads = of.model().attention.heads;
  return {judge_count(of, "a/t", "heads", heads, heads % of.tensor_parallel() == 0)};
}

std::vector<Finding> kv_heads_per_rank(const Case& of) {
  const std::int64_t t = of.tensor_parallel();
  const shape::AttentionShape& attention = of.model().attention;
  if (attention.latent || attention.kv_heads == attention.heads) return {};
  const std::int64_t kv_heads = attention.kv_heads;
  const bool copied = kv_heads % t != 0 && t % kv_heads == 0;
  Finding finding = judge_count(of, "KV heads/t", "KV heads", kv_heads, copied || kv_heads % t == 0);
  if (copied) {
    finding.verdict = Verdict::note;
    finding.message = fmt::format("{} KV heads over {} GPUs: each is copied to {} of them, with its cache", kv_heads, t,
                                  t / kv_heads);
  }
  return {finding};
}

}  // namespace gemmetry::advise
