#include "gemmetry/shape/hf_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "gemmetry/base/suggest.h"

namespace gemmetry::shape::hf {
namespace {

constexpr std::int64_t largest_size = std::int64_t{1} << 40;
constexpr std::int64_t most_layers = 10'000;

/// The spelling that counts, the family's own if none is there.
std::string_view spelling(const JsonObject& config, Key key) {
  return !key.also.empty() && config.has(key.also) ? key.also : key.own;
}

struct NamedActivation {
  std::string_view name;
  Activation activation;
};

/// Variants of a function move the same data; they differ in arithmetic that no tensor core sees.
constexpr std::array activations{
    NamedActivation{"gelu", Activation::gelu},
    NamedActivation{"gelu_10", Activation::gelu},
    NamedActivation{"gelu_accurate", Activation::gelu},
    NamedActivation{"gelu_fast", Activation::gelu},
    NamedActivation{"gelu_new", Activation::gelu},
    NamedActivation{"gelu_python", Activation::gelu},
    NamedActivation{"gelu_python_tanh", Activation::gelu},
    NamedActivation{"gelu_pytorch_tanh", Activation::gelu},
    NamedActivation{"quick_gelu", Activation::gelu},
    NamedActivation{"leaky_relu", Activation::relu},
    NamedActivation{"relu", Activation::relu},
    NamedActivation{"relu2", Activation::relu},
    NamedActivation{"relu6", Activation::relu},
    NamedActivation{"silu", Activation::silu},
    NamedActivation{"swish", Activation::silu},
};

/// Partial rotation as old and new configs state it; absent: nothing.
std::optional<JsonObject> rope_parameters(const JsonObject& config) {
  for (const std::string_view key : {"rope_scaling", "rope_parameters"})
    if (config.has(key) && !config.raw(key).empty()) return config.object(key);
  return std::nullopt;
}

/// `_name_or_path` where it is a name to show, else the family.
std::string readable_name(const JsonObject& config, const std::string& family) {
  if (!config.has("_name_or_path") || !config.raw("_name_or_path").is_string()) return family;
  const std::string name = config.string("_name_or_path");
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  return printable && !name.empty() && name.size() <= 100 ? name : family;
}

}  // namespace

std::int64_t size(const JsonObject& config, Key key, std::int64_t high) {
  const std::string_view spelled = spelling(config, key);
  if (config.has(spelled)) return config.integer(spelled, 1, high);
  const std::string alias = key.also.empty() ? "" : fmt::format(" (or '{}')", key.also);
  config.fail(key.own, fmt::format("sizes have no default, state it{}", alias));
}

std::int64_t size_or(const JsonObject& config, Key key, std::int64_t fallback, std::int64_t low) {
  return config.integer_or(spelling(config, key), fallback, low);
}

std::int64_t product(const JsonObject& config, std::string_view key, std::int64_t a, std::int64_t b) {
  if (a > 0 && b > largest_size / a) config.fail(key, fmt::format("{} times {} is over 2^40; make it smaller", a, b));
  return a * b;
}

Model basics(const JsonObject& config, const Basics& family) {
  Model model;
  model.family = config.string("model_type");
  model.name = readable_name(config, model.family);
  model.hidden = size(config, family.keys.hidden);
  model.layers = size(config, family.keys.layers, most_layers);
  model.vocab = size(config, {"vocab_size"});
  model.embedding_width = model.hidden;

  AttentionShape& attention = model.attention;
  attention.heads = size(config, family.keys.heads);
  attention.kv_heads = attention.heads;
  attention.head_dim = family.stated_head_dim ? config.integer_or("head_dim", family.head_dim, 1) : family.head_dim;
  if (attention.head_dim == 0) {
    require_whole_heads(model, config, family.keys);
    attention.head_dim = model.hidden / attention.heads;
  }
  attention.value_dim = attention.head_dim;
  attention.rotary_dim = attention.head_dim;

  model.positions = Positions::rotary;
  model.max_positions = config.integer_or("max_position_embeddings", 0);
  model.norm = NormKind::rms_norm;
  model.norm_bias = false;
  model.head.tied = config.boolean_or("tie_word_embeddings", family.tied);
  model.head.present = !is_bare(config);
  return model;
}

void set_kv_heads(Model& model, const JsonObject& config, std::int64_t fallback, std::string_view key) {
  const std::int64_t heads = model.attention.heads;
  const std::int64_t missing = config.is_null(key) || fallback == 0 ? heads : fallback;
  model.attention.kv_heads = config.integer_or(key, missing);
  if (heads % model.attention.kv_heads == 0) return;
  if (config.has(key)) config.fail(key, fmt::format("does not divide the {} attention heads", heads));
  config.fail(key, fmt::format("the family's {} do not divide the {} attention heads, state it", fallback, heads));
}

void set_attention_bias(Model& model, bool bias) {
  model.attention.qkv_bias = bias;
  model.attention.output_bias = bias;
}

void require_whole_heads(const Model& model, const JsonObject& config, const SizeKeys& keys) {
  if (model.hidden % model.attention.heads == 0) return;
  config.fail(spelling(config, keys.heads),
              fmt::format("does not divide the hidden size '{}' = {}", spelling(config, keys.hidden), model.hidden));
}

void set_layer_norm(Model& model) {
  model.norm = NormKind::layer_norm;
  model.norm_bias = true;
}

Activation activation(const JsonObject& config, std::string_view key, std::string_view fallback) {
  const std::string wanted = config.string_or(key, std::string(fallback));
  std::vector<std::string> names;
  for (const NamedActivation& known : activations) {
    if (known.name == wanted) return known.activation;
    names.emplace_back(known.name);
  }
  config.fail(key,
              fmt::format("unknown activation{}: use one of {}", did_you_mean(wanted, names), fmt::join(names, ", ")));
}

void set_partial_rotary(Model& model, const JsonObject& config, double fallback, std::string_view key) {
  double fraction = config.number_or(key, fallback);
  if (const auto rope = rope_parameters(config)) fraction = rope->number_or("partial_rotary_factor", fraction);
  if (!(fraction > 0 && fraction <= 1))
    config.fail(key, fmt::format("rotates {} of each head; expected a fraction over 0, at most 1", fraction));
  model.attention.rotary_dim = static_cast<std::int64_t>(static_cast<double>(model.attention.head_dim) * fraction);
}

std::int64_t sliding_window(const JsonObject& config, std::int64_t fallback) {
  return config.is_null("sliding_window") ? 0 : config.integer_or("sliding_window", fallback);
}

std::vector<bool> sliding_layers(const Model& model, const JsonObject& config,
                                 const std::function<bool(std::int64_t)>& rule) {
  std::vector<bool> sliding;
  if (config.has("layer_types")) {
    require_length(model, config, "layer_types");
    for (const nlohmann::json& type : config.array("layer_types")) {
      if (type != "sliding_attention" && type != "full_attention")
        config.fail("layer_types", "expected 'full_attention' or 'sliding_attention' for each layer");
      sliding.push_back(type == "sliding_attention");
    }
  } else {
    for (std::int64_t layer = 0; layer < model.layers; ++layer) sliding.push_back(rule(layer));
  }
  return sliding;
}

void require_length(const Model& model, const JsonObject& config, std::string_view key, bool more_is_fine) {
  const auto entries = static_cast<std::int64_t>(config.array(key).size());
  if (entries == model.layers || (more_is_fine && entries > model.layers)) return;
  config.fail(key, fmt::format("has {} entries for {} layers; make the list and the number of layers agree", entries,
                               model.layers));
}

void set_windows(Model& model, std::int64_t window, const std::vector<bool>& windowed) {
  model.attention.window = window;
  std::vector<LayerKind> kinds;
  kinds.reserve(windowed.size());
  for (const bool slides : windowed) {
    kinds.push_back({.windowed = slides && window > 0, .sparse = model.experts.has_value(), .rotary = true});
  }
  set_layer_kinds(model, std::move(kinds));
}

void set_layer_kinds(Model& model, std::vector<LayerKind> kinds) {
  if (std::none_of(kinds.begin(), kinds.end(), [](LayerKind kind) { return kind.windowed; }))
    model.attention.window = 0;
  if (std::none_of(kinds.begin(), kinds.end(), [](LayerKind kind) { return kind.sparse; })) model.experts.reset();
  model.layer_kinds.clear();
  const LayerKind usual = layer_kind(model, 0);
  const bool alike = std::all_of(kinds.begin(), kinds.end(), [usual](LayerKind kind) { return kind == usual; });
  if (!alike) model.layer_kinds = std::move(kinds);
}

bool is_bare(const JsonObject& config) {
  if (!config.has("architectures")) return false;
  for (const nlohmann::json& entry : config.array("architectures")) {
    if (!entry.is_string()) config.fail("architectures", "expected a list of class names");
    const std::string name = entry.get<std::string>();
    if (name.ends_with("Model") && name.find("Head") == std::string::npos) return true;
  }
  return false;
}

}  // namespace gemmetry::shape::hf
