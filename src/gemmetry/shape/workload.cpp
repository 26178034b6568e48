#include "gemmetry/shape/workload.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/adapter.h"

namespace gemmetry::shape {
namespace {

constexpr std::int64_t max_tokens = std::int64_t{1} << 40;
constexpr std::int64_t max_new_tokens = std::int64_t{1} << 20;
constexpr std::int64_t max_degree = std::int64_t{1} << 20;

void require_in_range(std::string_view what, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high)
    throw Error(fmt::format("{} = {}: expected a whole number from {} to {}", what, value, low, high));
}

/// What each sequence holds at the end of the step.
std::int64_t positions_used(const Workload& workload) {
  return workload.phase == Phase::decode ? workload.cache + workload.new_tokens : workload.sequence;
}

void require_positions(const Workload& workload, const Model& model) {
  if (model.positions != Positions::learned || model.position_rows <= 0) return;
  const std::int64_t rows = model.max_positions > 0 ? model.max_positions : model.position_rows;
  const std::int64_t used = positions_used(workload);
  if (used <= rows) return;
  const std::string table =
      fmt::format("but the learned position table of {} has {}", model.name.empty() ? "the model" : model.name, rows);
  const bool decoding = workload.phase == Phase::decode;
  if (decoding && workload.new_tokens > rows)
    throw Error(fmt::format("new tokens of a pass = {} need as many positions, {}: use at most {}", workload.new_tokens,
                            table, rows));
  throw Error(fmt::format("{} {} needs {} positions, {}: use at most {}", decoding ? "cache" : "sequence",
                          decoding ? workload.cache : workload.sequence, used, table,
                          decoding ? rows - workload.new_tokens : rows));
}

/// The divisors of `size` next to `parts`, which is none of them: "4 or 8", or one of the two.
std::string near_divisors(std::int64_t size, std::int64_t parts) {
  std::int64_t below = std::min(parts - 1, size);
  while (size % below != 0) --below;
  std::int64_t above = parts + 1;
  const std::int64_t last = std::min(size, 4 * parts);
  while (above <= last && size % above != 0) ++above;
  return above <= last ? fmt::format("{} or {}", below, above) : fmt::format("{}", below);
}

/// Appends the reason why `size` of `what` do not split over `parts`, if they do not.
void require_divides(std::vector<std::string>& reasons, std::string_view what, std::int64_t size, std::int64_t parts,
                     std::string_view over, std::string_view option) {
  if (size <= 0 || parts <= 0 || size % parts == 0) return;
  const std::int64_t down = size / parts * parts;
  const std::string sizes = down > 0 ? fmt::format("{} or {}", down, down + parts) : fmt::format("{}", parts);
  reasons.push_back(fmt::format("{} {} cannot be divided over {} {}: use {} {}, or {} {}", size, what, parts, over,
                                option, near_divisors(size, parts), sizes, what));
}

}  // namespace

std::int64_t tokens(const Workload& workload) {
  if (workload.phase == Phase::decode) return workload.batch * workload.new_tokens;
  const std::int64_t microbatches = workload.phase == Phase::training ? workload.microbatches : 1;
  return workload.batch * workload.sequence * microbatches;
}

void validate(const Workload& workload, const Model& model) {
  require_in_range("batch", workload.batch, 1, max_tokens);
  require_in_range("sequence", workload.sequence, 1, max_tokens);
  require_in_range("cache", workload.cache, 0, max_tokens - 1);
  require_in_range("new tokens of a pass", workload.new_tokens, 1, max_new_tokens);
  require_in_range("tensor-parallel degree", workload.tensor_parallel, 1, max_degree);
  require_in_range("pipeline stages", workload.pipeline_parallel, 1, max_degree);
  require_in_range("data-parallel degree", workload.data_parallel, 1, max_degree);
  require_in_range("microbatches", workload.microbatches, 1, max_degree);

  const bool decoding = workload.phase == Phase::decode;
  if (!decoding && workload.new_tokens > 1)
    throw Error(fmt::format("new tokens of a pass = {}: only decode adds tokens to a cache: use phase decode, or 1",
                            workload.new_tokens));
  const std::int64_t length = positions_used(workload);
  if (workload.batch > max_tokens / length)
    throw Error(fmt::format("batch {} of {} {} holds more than 2^40 tokens: use a smaller batch", workload.batch,
                            decoding ? "a cache of" : "sequences of", length));
  if ((decoding || workload.phase == Phase::prefill) && !model.attention.causal)
    throw Error(fmt::format("phase {}: {} is an encoder and fills no cache: use forward or training",
                            name(workload.phase), model.name.empty() ? "the model" : model.name));
  if (workload.phase == Phase::training && model.adapter && !is_separate(model))
    throw Error(
        fmt::format("phase training: adapter {} is merged into frozen weights, nothing is left to train: use {}",
                    to_text(*model.adapter), to_text({AdapterKind::lora, model.adapter->rank})));
  require_positions(workload, model);
}

std::vector<std::string> impossible_splits(const Workload& workload, const Model& model) {
  std::vector<std::string> reasons;
  const std::int64_t t = workload.tensor_parallel;
  const auto over_ranks = [&](std::string_view what, std::int64_t size) {
    require_divides(reasons, what, size, t, "tensor-parallel ranks", "--tp");
  };
  bool dense = false, sparse = false;
  for (const LayerGroup& group : layer_groups(model)) (group.kind.sparse ? sparse : dense) = true;

  over_ranks("heads", model.attention.heads);
  const std::int64_t kv_heads = model.attention.kv_heads;
  if (!model.attention.latent && kv_heads != model.attention.heads && kv_heads > 0 && t % kv_heads != 0)
    over_ranks("KV heads", kv_heads);
  if (dense) over_ranks("FFN columns", model.ffn.width);
  if (sparse && model.experts) {
    over_ranks("columns of an expert", model.experts->width);
    over_ranks("columns of the shared experts", model.experts->shared_width);
  }
  if (workload.sequence_parallel && workload.phase != Phase::decode)
    over_ranks("tokens of a sequence (for sequence parallelism)", workload.sequence);
  require_divides(reasons, "layers", model.layers, workload.pipeline_parallel, "pipeline stages", "--pp");
  return reasons;
}

void require_possible(const Workload& workload, const Model& model) {
  const std::vector<std::string> reasons = impossible_splits(workload, model);
  if (!reasons.empty()) throw Error(reasons.front());
}

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::forward:
      return "forward";
    case Phase::training:
      return "training";
    case Phase::prefill:
      return "prefill";
    case Phase::decode:
      return "decode";
  }
  return "?";
}

std::string_view name(AttentionKind kind) {
  switch (kind) {
    case AttentionKind::fused:
      return "fused";
    case AttentionKind::unfused:
      return "unfused";
    case AttentionKind::eager:
      return "eager";
  }
  return "?";
}

std::string_view name(Projections projections) {
  switch (projections) {
    case Projections::fused:
      return "fused";
    case Projections::hf:
      return "hf";
  }
  return "?";
}

std::string_view name(Recompute recompute) {
  switch (recompute) {
    case Recompute::none:
      return "none";
    case Recompute::selective:
      return "selective";
    case Recompute::full:
      return "full";
  }
  return "?";
}

std::string_view name(Sharding sharding) {
  switch (sharding) {
    case Sharding::none:
      return "none";
    case Sharding::optimizer:
      return "optimizer";
    case Sharding::gradients:
      return "gradients";
    case Sharding::parameters:
      return "parameters";
  }
  return "?";
}

}  // namespace gemmetry::shape
