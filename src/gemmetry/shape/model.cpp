#include "gemmetry/shape/model.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/adapter.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 40;
constexpr std::int64_t most_layers = 10'000;

LayerKind usual_kind(const Model& model) {
  return {.windowed = model.attention.window > 0, .sparse = model.experts.has_value(), .rotary = true};
}

/// How the kinds of a model's layers go on: after `prefix` layers they repeat every `period`.
struct Pattern {
  std::size_t prefix = 0;
  std::size_t period = 1;
};

/// The pattern of fewest layers in all, of several the one with the shortest prefix: "every fourth" has no prefix, "the
/// first three are dense" has a prefix of three.
Pattern find_pattern(const std::vector<LayerKind>& kinds) {
  Pattern best{.prefix = 0, .period = kinds.size()};
  for (std::size_t period = 1; period < kinds.size(); ++period) {
    std::size_t prefix = kinds.size() - period;
    while (prefix > 0 && kinds[prefix - 1] == kinds[prefix - 1 + period]) --prefix;
    const std::size_t length = prefix + period;
    const std::size_t best_length = best.prefix + best.period;
    if (length < best_length || (length == best_length && prefix < best.prefix)) best = {prefix, period};
  }
  return best;
}

class Checks {
 public:
  explicit Checks(const Model& model) : model_(model) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(fmt::format("model '{}': {}", model_.name, problem));
  }
  void size(std::string_view what, std::int64_t value, std::int64_t low = 1, std::int64_t high = largest_size) const {
    if (value < low || value > high)
      fail(fmt::format("{} = {}: must be from {} to {}", what, value, low,
                       high == largest_size ? "2^40" : fmt::to_string(high)));
  }

 private:
  const Model& model_;
};

void validate_attention(const Model& model, const Checks& check) {
  const AttentionShape& attention = model.attention;
  check.size("heads a", attention.heads);
  check.size("KV heads", attention.kv_heads);
  if (attention.heads % attention.kv_heads != 0)
    check.fail(fmt::format("heads a = {} cannot share {} KV heads: make a a multiple of them", attention.heads,
                           attention.kv_heads));
  if (attention.head_dim == 0 && model.hidden % attention.heads != 0)
    check.fail(
        fmt::format("hidden size h = {} does not divide into {} heads: change one of them or state the head dimension",
                    model.hidden, attention.heads));
  check.size("head dimension", attention.head_dim);
  check.size("value head dimension", attention.value_dim);
  check.size("rotary dimension", attention.rotary_dim, 0, attention.head_dim);
  check.size("window", attention.window, 0);
  if (!attention.latent) return;
  check.size("query rank", attention.latent->q_rank, 0);
  check.size("KV rank", attention.latent->kv_rank);
  check.size("rotated part of a head", attention.latent->rope_dim, 0);
  check.size("part of a head that is not rotated", attention.latent->nope_dim, 0);
  if (attention.latent->rope_dim + attention.latent->nope_dim != attention.head_dim)
    check.fail(fmt::format("head dimension = {} is not the sum of its rotated part {} and the other part {}",
                           attention.head_dim, attention.latent->rope_dim, attention.latent->nope_dim));
}

void validate_experts(const Experts& experts, const Checks& check) {
  check.size("experts", experts.count);
  check.size("active experts", experts.active, 1, experts.count);
  check.size("expert width", experts.width);
  check.size("width of the shared experts", experts.shared_width, 0);
}

void validate_adapter(const Model& model, const Checks& check) {
  const Adapter& adapter = *model.adapter;
  check.size(fmt::format("rank of adapter {}", name(adapter.kind)), adapter.rank);
  const bool low_rank = adapter.kind == AdapterKind::lora || adapter.kind == AdapterKind::lora_merged;
  if (low_rank && model.attention.latent)
    check.fail(
        "adapter lora stands beside the query and value projections, which latent attention does not have: use houlsby "
        "or lin");
}

void validate_layers(const Model& model, const Checks& check) {
  if (!model.layer_kinds.empty() && std::ssize(model.layer_kinds) != model.layers)
    check.fail(fmt::format("{} layer kinds for {} layers: give one for each layer, or none", model.layer_kinds.size(),
                           model.layers));
  bool any_dense = false;
  for (const LayerGroup& group : layer_groups(model)) {
    if (group.kind.windowed && model.attention.window == 0)
      check.fail("a windowed layer without a window: state its size");
    if (group.kind.sparse && !model.experts) check.fail("a sparse layer without experts: state their number and width");
    any_dense |= !group.kind.sparse;
  }
  check.size("FFN width", model.ffn.width, any_dense ? 1 : 0);
}

}  // namespace

LayerKind layer_kind(const Model& model, std::int64_t index) {
  return model.layer_kinds.empty() ? usual_kind(model) : model.layer_kinds.at(static_cast<std::size_t>(index));
}

std::vector<LayerGroup> layer_groups(const Model& model) {
  if (model.layer_kinds.empty()) return {{usual_kind(model), model.layers}};
  std::vector<LayerGroup> groups;
  for (const LayerKind kind : model.layer_kinds) {
    const auto same = [kind](const LayerGroup& group) { return group.kind == kind; };
    const auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end())
      groups.push_back({kind, 1});
    else
      ++found->count;
  }
  return groups;
}

void set_layers(Model& model, std::int64_t layers) {
  model.layers = layers;
  if (model.layer_kinds.empty() || layers < 1 || layers > most_layers) return;  // validate() names a bad count
  const std::size_t known = model.layer_kinds.size();
  const auto wanted = static_cast<std::size_t>(layers);
  const Pattern pattern = wanted > known ? find_pattern(model.layer_kinds) : Pattern{};
  model.layer_kinds.resize(wanted);
  for (std::size_t i = known; i < wanted; ++i) model.layer_kinds[i] = model.layer_kinds[i - pattern.period];
}

void validate(const Model& model) {
  const Checks check(model);
  check.size("hidden size h", model.hidden);
  check.size("layers L", model.layers, 1, most_layers);
  check.size("vocabulary v", model.vocab);
  validate_attention(model, check);
  if (model.experts) validate_experts(*model.experts, check);
  validate_layers(model, check);
  if (model.adapter) validate_adapter(model, check);
  check.size("longest sequence", model.max_positions, 0);
  check.size("rows of the position table", model.position_rows, 0);
  check.size("rows of the segment table", model.token_types, 0);
  check.size("embedding width", model.embedding_width);
  count_parameters(model);  // names sizes whose product is too large to count
}

bool is_paper_model(const Model& model) {
  const AttentionShape& attention = model.attention;
  return !model.experts && !attention.latent && !model.ffn.gated && model.ffn.width == 4 * model.hidden &&
         attention.kv_heads == attention.heads && attention.value_dim == attention.head_dim &&
         attention.heads * attention.head_dim == model.hidden && model.embedding_width == model.hidden;
}

std::string_view name(Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return "gelu";
    case Activation::relu:
      return "relu";
    case Activation::silu:
      return "silu";
  }
  return "?";
}

std::string_view name(Positions positions) {
  switch (positions) {
    case Positions::none:
      return "none";
    case Positions::learned:
      return "learned";
    case Positions::rotary:
      return "rotary";
    case Positions::alibi:
      return "alibi";
  }
  return "?";
}

}  // namespace gemmetry::shape
