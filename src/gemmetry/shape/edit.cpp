#include "gemmetry/shape/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/shape/adapter.h"

namespace gemmetry::shape {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 40;
constexpr std::int64_t paper_positions = 2048;

template <typename Value>
struct Named {
  std::string_view name;
  Value value;
};

constexpr std::array ffn_functions{
    Named<FfnFunction>{"gelu", {Activation::gelu, false}}, Named<FfnFunction>{"relu", {Activation::relu, false}},
    Named<FfnFunction>{"silu", {Activation::silu, false}}, Named<FfnFunction>{"geglu", {Activation::gelu, true}},
    Named<FfnFunction>{"reglu", {Activation::relu, true}}, Named<FfnFunction>{"swiglu", {Activation::silu, true}},
};
constexpr std::array position_kinds{
    Named<Positions>{"learned", Positions::learned},
    Named<Positions>{"rotary", Positions::rotary},
    Named<Positions>{"alibi", Positions::alibi},
    Named<Positions>{"none", Positions::none},
};
constexpr std::array norm_kinds{
    Named<NormKind>{"layernorm", NormKind::layer_norm},
    Named<NormKind>{"rmsnorm", NormKind::rms_norm},
};

/// The value of that name in a table; Error naming the choices otherwise.
template <typename Table>
auto choose(const Table& table, std::string_view what, std::string_view name) {
  std::vector<std::string> names;
  for (const auto& entry : table) {
    if (entry.name == name) return entry.value;
    names.emplace_back(entry.name);
  }
  throw Error(fmt::format("{} '{}' is unknown: use {}{}", what, name.substr(0, 60), fmt::join(names, ", "),
                          did_you_mean(name, names)));
}

void require_size(std::string_view option, const std::optional<std::int64_t>& value, std::int64_t low = 1) {
  if (value && (*value < low || *value > largest_size))
    throw Error(fmt::format("{} {}: expected a whole number from {} to 2^40", option, *value, low));
}

void require_sizes(const ModelEdit& edit) {
  require_size("--hidden", edit.hidden);
  require_size("--layers", edit.layers);
  require_size("--vocab", edit.vocab);
  require_size("--heads", edit.heads);
  require_size("--kv-heads", edit.kv_heads);
  require_size("--head-dim", edit.head_dim);
  require_size("--ffn", edit.ffn);
  require_size("--max-positions", edit.positions_max);
  require_size("--window", edit.window, 0);
  require_size("--experts", edit.experts);
  require_size("--experts-active", edit.experts_active);
  require_size("--expert-width", edit.expert_width);
}

std::int64_t rotary_share(const AttentionShape& before, std::int64_t head_dim) {
  if (before.rotary_dim == 0 || before.rotary_dim == before.head_dim) return before.rotary_dim == 0 ? 0 : head_dim;
  const double share = static_cast<double>(before.rotary_dim) / static_cast<double>(before.head_dim);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(share * static_cast<double>(head_dim)));
}

void set_head_dim(AttentionShape& attention, std::int64_t head_dim) {
  attention.rotary_dim = rotary_share(attention, head_dim);
  if (attention.value_dim == attention.head_dim) attention.value_dim = head_dim;
  attention.head_dim = head_dim;
}

/// Hidden size, heads, head dimension and FFN, and what follows from them.
void edit_sizes(Model& model, const ModelEdit& edit) {
  AttentionShape& attention = model.attention;
  const bool whole_heads =
      !attention.latent && model.hidden % attention.heads == 0 && model.hidden / attention.heads == attention.head_dim;
  const bool all_kv_heads = attention.kv_heads == attention.heads;
  const bool four_hidden = model.ffn.width == 4 * model.hidden;
  const bool own_width = model.embedding_width == model.hidden;
  if (edit.head_dim && attention.latent)
    throw Error(fmt::format("--head-dim {}: the heads of latent attention have parts of their own; edit the config",
                            *edit.head_dim));

  model.hidden = edit.hidden.value_or(model.hidden);
  attention.heads = edit.heads.value_or(attention.heads);
  if (all_kv_heads) attention.kv_heads = attention.heads;
  attention.kv_heads = edit.kv_heads.value_or(attention.kv_heads);
  if (own_width) model.embedding_width = model.hidden;
  if (four_hidden) model.ffn.width = 4 * model.hidden;
  model.ffn.width = edit.ffn.value_or(model.ffn.width);

  if (edit.head_dim) {
    set_head_dim(attention, *edit.head_dim);
  } else if (whole_heads && (edit.hidden || edit.heads)) {
    if (model.hidden % attention.heads != 0)
      throw Error(
          fmt::format("hidden size {} does not divide into {} heads: change --hidden or --heads, or state --head-dim",
                      model.hidden, attention.heads));
    set_head_dim(attention, model.hidden / attention.heads);
  }
}

void edit_experts(Model& model, const ModelEdit& edit) {
  if (!edit.experts && !edit.experts_active && !edit.expert_width) return;
  if (!model.experts) {
    if (!edit.experts || !edit.experts_active || !edit.expert_width)
      throw Error("a model gets experts by --experts, --experts-active and --expert-width together");
    model.experts = Experts{};
    for (LayerKind& kind : model.layer_kinds) kind.sparse = true;
  }
  Experts& experts = *model.experts;
  experts.count = edit.experts.value_or(experts.count);
  experts.active = edit.experts_active.value_or(experts.active);
  experts.width = edit.expert_width.value_or(experts.width);
}

void edit_window(Model& model, const ModelEdit& edit) {
  if (!edit.window) return;
  model.attention.window = *edit.window;
  const auto windowed = [](LayerKind kind) { return kind.windowed; };
  const bool any = std::any_of(model.layer_kinds.begin(), model.layer_kinds.end(), windowed);
  for (LayerKind& kind : model.layer_kinds) kind.windowed = *edit.window > 0 && (kind.windowed || !any);
}

void edit_positions(Model& model, const ModelEdit& edit) {
  const std::int64_t offset = model.position_rows > 0 ? model.position_rows - model.max_positions : 0;
  if (edit.positions_max) model.max_positions = *edit.positions_max;
  if (edit.positions) model.positions = choose(position_kinds, "positions", *edit.positions);
  const bool learned = model.positions == Positions::learned;
  const bool rotary = model.positions == Positions::rotary;
  if (learned && model.max_positions == 0) throw Error("learned positions need their number: state --max-positions");
  model.position_rows = learned ? model.max_positions + offset : 0;
  if (!rotary) model.attention.rotary_dim = 0;
  if (rotary && model.attention.rotary_dim == 0) model.attention.rotary_dim = model.attention.head_dim;
}

void edit_kinds(Model& model, const ModelEdit& edit) {
  if (edit.activation) {
    const FfnFunction function = ffn_function_from_name(*edit.activation);
    model.ffn.activation = function.activation;
    model.ffn.gated = function.gated;
  }
  if (edit.norm) {
    const NormKind kind = choose(norm_kinds, "norm", *edit.norm);
    if (kind != model.norm) model.norm_bias = kind == NormKind::layer_norm;
    model.norm = kind;
  }
  if (edit.parallel_residual) {
    model.parallel_residual = *edit.parallel_residual;
    if (!model.parallel_residual) model.shared_norm = false;
  }
  if (edit.tied) model.head.tied = *edit.tied;
  if (edit.bias) {
    model.attention.qkv_bias = *edit.bias;
    model.attention.output_bias = *edit.bias;
    model.ffn.bias = *edit.bias;
    if (model.experts) model.experts->bias = *edit.bias;
    model.norm_bias = *edit.bias && model.norm == NormKind::layer_norm;
  }
}

void edit_adapter(Model& model, const ModelEdit& edit) {
  if (!edit.adapter && !edit.adapter_rank) return;
  if (edit.adapter == "none") {
    model.adapter.reset();
    return;
  }
  if (!model.adapter && !(edit.adapter && edit.adapter_rank))
    throw Error(fmt::format("--adapter {0}: an adapter needs kind and rank, as in --adapter {0}:8",
                            edit.adapter.value_or("lora")));
  Adapter adapter = model.adapter.value_or(Adapter{});
  if (edit.adapter) adapter.kind = adapter_kind_from_name(*edit.adapter);
  adapter.rank = edit.adapter_rank.value_or(adapter.rank);
  if (adapter.rank < 0 || adapter.rank > model.hidden)
    throw Error(fmt::format("--adapter {}: expected a rank from 0 (no adapter) to the hidden size {}", to_text(adapter),
                            model.hidden));
  model.adapter = adapter.rank > 0 ? std::optional(adapter) : std::nullopt;
}

}  // namespace

FfnFunction ffn_function_from_name(std::string_view name) { return choose(ffn_functions, "activation", name); }

Model edited(Model model, const ModelEdit& edit) {
  require_sizes(edit);
  model.vocab = edit.vocab.value_or(model.vocab);
  edit_sizes(model, edit);
  edit_experts(model, edit);
  edit_window(model, edit);
  if (edit.positions || edit.positions_max) edit_positions(model, edit);
  edit_kinds(model, edit);
  if (edit.layers) set_layers(model, *edit.layers);
  edit_adapter(model, edit);
  validate(model);
  return model;
}

Model model_from_flags(const ModelEdit& edit) {
  std::vector<std::string> missing;
  if (!edit.hidden) missing.emplace_back("--hidden");
  if (!edit.layers) missing.emplace_back("--layers");
  if (!edit.heads) missing.emplace_back("--heads");
  if (!edit.vocab) missing.emplace_back("--vocab");
  if (!missing.empty())
    throw Error(fmt::format("a model from flags needs {}: state a size or name a model", fmt::join(missing, ", ")));
  require_sizes(edit);

  Model model;
  model.name = "custom";
  model.family = "flags";
  model.hidden = model.embedding_width = *edit.hidden;
  model.layers = *edit.layers;
  model.vocab = *edit.vocab;
  AttentionShape& attention = model.attention;
  attention.heads = attention.kv_heads = *edit.heads;
  if (!edit.head_dim && model.hidden % attention.heads != 0)
    throw Error(fmt::format("--hidden {} does not divide into --heads {}: change one of them, or state --head-dim",
                            model.hidden, attention.heads));
  attention.head_dim = attention.value_dim = edit.head_dim.value_or(model.hidden / attention.heads);
  attention.qkv_bias = attention.output_bias = true;
  model.ffn = {.width = 4 * model.hidden, .bias = true};
  model.max_positions = edit.positions_max.value_or(paper_positions);
  model.position_rows = model.max_positions;
  return edited(std::move(model), edit);
}

}  // namespace gemmetry::shape
