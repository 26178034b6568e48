// The keys follow GPT-NeoX (megatron/neox_arguments, megatron/model) and Megatron-LM (training/arguments.py,
// core/transformer/transformer_config.py). Their names differ wherever their meaning does, so one reader serves both.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/layer_pattern.h"
#include "gemmetry/shape/yaml.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;
using Keys = std::initializer_list<std::string_view>;

constexpr std::int64_t most_layers = 10'000;

/// Adds the entries of `map` under one spelling of their keys: "--num-layers" is num_layers. Megatron's
/// `language_model` section counts as part of the document.
void add_normalised(json& keys, const json& map, const std::string& source) {
  for (const auto& [written, value] : map.items()) {
    std::string key = written;
    key.erase(0, std::min(key.find_first_not_of('-'), key.size()));
    std::replace(key.begin(), key.end(), '-', '_');
    if (key == "language_model" && value.is_object()) {
      add_normalised(keys, value, source);
    } else if (keys.contains(key)) {
      throw Error(fmt::format("{}: key '{}' is given twice, dashes and underscores being the same; keep one", source,
                              written.substr(0, 60)));
    } else {
      keys[key] = value;
    }
  }
}

/// The first of the names that the file gives, or else the first.
std::string_view spelling(const JsonObject& keys, Keys names) {
  for (const std::string_view name : names)
    if (keys.has(name)) return name;
  return *names.begin();
}

bool flag(const JsonObject& keys, Keys names, bool fallback = false) {
  return keys.boolean_or(spelling(keys, names), fallback);
}

std::string lower_word(const JsonObject& keys, Keys names, const std::string& fallback) {
  std::string word = keys.string_or(spelling(keys, names), fallback);
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return word;
}

/// A size that never defaults: from the file, or else stated by `option`.
std::int64_t size(const JsonObject& keys, Keys names, const std::optional<std::int64_t>& stated,
                  std::string_view option, std::int64_t high = std::int64_t{1} << 40) {
  const std::string_view key = spelling(keys, names);
  if (keys.has(key)) return keys.integer(key, 1, high);
  if (!stated) keys.fail(key, fmt::format("state it in the file or with {}", option));
  if (*stated < 1 || *stated > high)
    throw Error(fmt::format("{} {}: expected a whole number from 1 to {}", option, *stated, high));
  return *stated;
}

std::int64_t rounded_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

/// Keys that change the layers in ways that a Model does not express.
void refuse_foreign(const JsonObject& keys) {
  constexpr std::array foreign{
      "attention_output_gate",
      "heterogeneous_layers_config_encoded_json",
      "heterogeneous_layers_config_path",
      "hybrid_layer_pattern",
      "hybrid_override_pattern",
      "linear_attention_freq",
      "linear_attention_type",
      "moe_latent_size",
      "no_rope_freq",
      "norm_placement",
      "window_size",
  };
  for (const std::string_view key : foreign)
    if (keys.has(key) && keys.raw(key) != false) keys.fail(key, "not supported; remove it to read the model without");
  if (flag(keys, {"use_qk_layernorm"}))
    keys.fail("use_qk_layernorm",
              "a norm that queries and keys share is not supported; set it to false to read the model without");
  if (lower_word(keys, {"model_arch"}, "gpt2") != "gpt2")
    keys.fail("model_arch", "only gpt2 (decoder-only) is supported");
  if (keys.has("num_unique_layers") && keys.integer("num_unique_layers") != keys.integer_or("num_layers", 0))
    keys.fail("num_unique_layers", "layers that share weights are not supported; remove it to count each layer");
}

/// NeoX lists the attention of its layers as [[[type, ...], repetitions or "all"], ...].
void require_full_attention(const JsonObject& keys) {
  const std::string_view key = "attention_config";
  if (!keys.has(key)) return;
  std::vector<json> open{keys.array(key)};
  while (!open.empty()) {
    const json entry = std::move(open.back());
    open.pop_back();
    if (entry.is_array()) {
      open.insert(open.end(), entry.begin(), entry.end());
    } else if (entry.is_string() && entry != "global" && entry != "flash" && entry != "all") {
      keys.fail(key, fmt::format("attention of type {} is not supported; only global and flash are",
                                 entry.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 40)));
    }
  }
}

std::int64_t vocabulary(const JsonObject& keys, const ModelEdit& edit) {
  if (keys.has("padded_vocab_size")) return keys.integer("padded_vocab_size");
  if (!keys.has("vocab_size")) return size(keys, {"padded_vocab_size"}, edit.vocab, "--vocab");
  const std::int64_t multiple = keys.integer_or("make_vocab_size_divisible_by", 128, 1, 1 << 20);
  const std::string_view ranks = spelling(keys, {"model_parallel_size", "tensor_model_parallel_size"});
  return rounded_up(keys.integer("vocab_size"), multiple * keys.integer_or(ranks, 1, 1, 1 << 20));
}

void read_positions(Model& model, const JsonObject& keys, const ModelEdit& edit) {
  AttentionShape& attention = model.attention;
  const std::string_view key = spelling(keys, {"pos_emb", "position_embedding_type"});
  std::string kind = lower_word(keys, {key}, "learned");
  if (flag(keys, {"use_rotary_position_embeddings"})) kind = "rotary";
  model.max_positions = keys.integer_or("max_position_embeddings", 0);

  if (kind == "learned" || kind == "learned_absolute") {
    model.positions = Positions::learned;
    model.max_positions = size(keys, {"max_position_embeddings"}, edit.positions_max, "--max-positions");
    model.position_rows = model.max_positions + keys.integer_or("opt_pos_emb_offset", 0, 0);
  } else if (kind == "rotary" || kind == "rope" || kind == "mrope" || kind == "yarn") {
    const std::string_view share_key = spelling(keys, {"rotary_pct", "rotary_percent"});
    const double share = keys.number_or(share_key, 1.0);
    if (!(share > 0 && share <= 1)) keys.fail(share_key, "expected a number above 0 and up to 1");
    model.positions = Positions::rotary;
    attention.rotary_dim = static_cast<std::int64_t>(static_cast<double>(attention.head_dim) * share);
  } else if (kind == "alibi") {
    model.positions = Positions::alibi;
  } else if (kind == "none" || kind == "sinusoidal") {
    model.positions = Positions::none;
  } else {
    keys.fail(key, "expected learned, rotary, alibi, sinusoidal or none (Megatron: learned_absolute, rope, none)");
  }
}

void read_latent(AttentionShape& attention, const JsonObject& keys) {
  if (!flag(keys, {"qk_layernorm"}))
    keys.fail("qk_layernorm",
              "multi-latent attention is supported with the norms of its latent vectors; set it to true");
  LatentAttention latent;
  latent.q_rank = keys.integer_or("q_lora_rank", 0);
  latent.kv_rank = keys.integer("kv_lora_rank");
  latent.nope_dim = keys.integer("qk_head_dim");
  latent.rope_dim = keys.integer("qk_pos_emb_head_dim");
  attention.latent = latent;
  attention.kv_heads = attention.heads;
  attention.head_dim = latent.nope_dim + latent.rope_dim;
  attention.value_dim = keys.integer("v_head_dim");
  attention.rotary_dim = latent.rope_dim;
  attention.qkv_bias = false;
}

std::int64_t read_kv_heads(const JsonObject& keys, std::int64_t heads) {
  const std::string_view key = spelling(keys, {"num_kv_heads", "num_query_groups"});
  const bool grouped = flag(keys, {"group_query_attention"}, true);
  std::int64_t kv_heads = grouped ? keys.integer_or(key, heads) : heads;
  if (grouped && keys.has("group_query_attention") && !keys.has(key)) kv_heads = 1;  // Megatron's default: multi-query
  if (heads % kv_heads != 0) keys.fail(key, fmt::format("does not divide the {} attention heads", heads));
  return kv_heads;
}

void read_attention(Model& model, const JsonObject& keys, const ModelEdit& edit, bool bias) {
  AttentionShape& attention = model.attention;
  attention.heads = size(keys, {"num_attention_heads"}, edit.heads, "--heads");
  attention.kv_heads = read_kv_heads(keys, attention.heads);
  if (!keys.has("kv_channels") && !edit.head_dim && model.hidden % attention.heads != 0)
    keys.fail("num_attention_heads", fmt::format("does not divide the hidden size {}", model.hidden));
  attention.head_dim = keys.integer_or("kv_channels", edit.head_dim.value_or(model.hidden / attention.heads));
  attention.value_dim = attention.head_dim;
  attention.window = keys.integer_or("sliding_window_width", 0);
  attention.qkv_fused = true;
  attention.output_bias = bias && flag(keys, {"use_bias_in_attn_linear"}, true);
  attention.qkv_bias = attention.output_bias || flag(keys, {"add_qkv_bias"});
  read_positions(model, keys, edit);
  if (flag(keys, {"multi_latent_attention"})) {
    read_latent(attention, keys);
  } else if (flag(keys, {"qk_layernorm"})) {
    attention.qk_norm = QkNorm::head;
    attention.qk_norm_kind = model.norm;
    attention.qk_norm_bias = model.norm_bias;
  }
}

void read_norm(Model& model, const JsonObject& keys) {
  const std::string_view key = spelling(keys, {"norm", "normalization"});
  std::string kind = lower_word(keys, {key}, "layernorm");
  if (kind.starts_with("te_")) kind.erase(0, 3);
  if (kind != "layernorm" && kind != "rmsnorm" && kind != "non_parametric_layernorm")
    keys.fail(key, "expected layernorm, rmsnorm or non_parametric_layernorm");
  model.norm = kind == "rmsnorm" ? NormKind::rms_norm : NormKind::layer_norm;
  model.norm_weight = kind != "non_parametric_layernorm";
  model.norm_bias = kind == "layernorm" && flag(keys, {"use_bias_in_norms"}, true);
}

/// How a file states its FFN: each has its own rule for the width.
enum class FfnRule { neox, neox_llama, megatron };

struct FfnStatement {
  FfnRule rule = FfnRule::neox;
  FfnFunction function;
};

FfnStatement ffn_statement(const JsonObject& keys) {
  if (flag(keys, {"swiglu"})) return {FfnRule::megatron, {Activation::silu, true}};
  if (flag(keys, {"quick_geglu"})) return {FfnRule::megatron, {Activation::gelu, true}};
  if (flag(keys, {"squared_relu"})) return {FfnRule::megatron, {Activation::relu, false}};
  const std::string_view key = spelling(keys, {"activation", "activation_func"});
  std::string word = lower_word(keys, {key}, "gelu");
  if (word == "swish") word = "silu";
  FfnStatement statement;
  try {
    statement.function = ffn_function_from_name(word);
  } catch (const Error& unknown) {
    keys.fail(key, unknown.what());
  }
  const std::string type = lower_word(keys, {"mlp_type"}, "regular");
  if (type != "regular" && type != "llama") keys.fail("mlp_type", "expected regular or llama");
  if (type == "llama") statement.rule = FfnRule::neox_llama;
  if (key == "activation_func" || keys.has("ffn_hidden_size") || keys.has("gated_linear_unit"))
    statement.rule = FfnRule::megatron;
  if (type == "llama" || flag(keys, {"gated_linear_unit"})) statement.function.gated = true;
  return statement;
}

/// `intermediate_size` of a gated NeoX FFN counts both halves of the first matrix and half of the second, as if it were
/// not gated: its width is a third of it, so that 8h stands for Llama's 8h/3. With mlp_type llama it is the width
/// itself.
std::int64_t ffn_width(const JsonObject& keys, std::int64_t hidden, const FfnStatement& ffn) {
  const std::int64_t llama_width = rounded_up(8 * hidden / 3, 256);
  const std::string_view neox_key = spelling(keys, {"intermediate_size", "feedforward_size", "ffn_dim"});
  if (ffn.rule == FfnRule::megatron) {
    const std::int64_t swiglu_width = std::max<std::int64_t>(8 * hidden / 3 / 64 * 64, 1);
    return keys.integer_or("ffn_hidden_size", ffn.function.gated ? swiglu_width : 4 * hidden);
  }
  if (ffn.rule == FfnRule::neox_llama) return keys.integer_or(neox_key, llama_width);
  std::int64_t width = 4 * hidden;
  if (keys.has(neox_key)) {
    width = keys.integer(neox_key);
  } else if (keys.has("expansion_factor")) {
    const double factor = keys.number("expansion_factor");
    if (!(factor > 0 && factor <= 1024)) keys.fail("expansion_factor", "expected a number above 0 and up to 1024");
    width = std::max<std::int64_t>(1, static_cast<std::int64_t>(factor * static_cast<double>(hidden)));
  }
  const std::int64_t multiple = keys.integer_or("mlp_multiple_of", 1, 1, 1 << 20);
  return rounded_up(ffn.function.gated ? std::max<std::int64_t>(2 * width / 3 / 2, 1) : width, multiple);
}

/// Which layers have experts: every nth from the first, or as Megatron's list says.
std::vector<bool> sparse_layers(const JsonObject& keys, std::int64_t layers) {
  const std::string_view key = spelling(keys, {"moe_layer_freq", "moe_expert_interval", "expert_interval"});
  std::vector<bool> sparse;
  if (keys.has(key) && keys.raw(key).is_string()) {
    const auto pattern = layer_pattern(keys.string(key), static_cast<std::size_t>(layers));
    if (!pattern || std::ssize(*pattern) != layers)
      keys.fail(key,
                fmt::format("expected a number or a list of {} entries, such as ([0]*3+[1]*58) for 61 layers", layers));
    for (const std::int64_t entry : *pattern) sparse.push_back(entry != 0);
    return sparse;
  }
  const std::int64_t every = keys.integer_or(key, 1);
  for (std::int64_t layer = 0; layer < layers; ++layer) sparse.push_back(layer % every == 0);
  return sparse;
}

void read_experts(Model& model, const JsonObject& keys, const FfnStatement& ffn) {
  const std::string_view count_key = spelling(keys, {"moe_num_experts", "num_experts", "num_moe_experts"});
  const bool neox = count_key == "moe_num_experts";
  Experts experts;
  experts.count = keys.integer_or(count_key, 0, 0);
  if (experts.count == 0 || (neox && experts.count == 1)) return;
  const std::string_view active_key = neox ? "moe_top_k" : "moe_router_topk";
  experts.active = keys.integer_or(active_key, neox ? 1 : 2);
  if (experts.active > experts.count)
    keys.fail(active_key, fmt::format("a token cannot visit {} of {} experts", experts.active, experts.count));
  const bool stated = keys.has("moe_ffn_hidden_size");
  experts.width = stated ? keys.integer("moe_ffn_hidden_size") : model.ffn.width;
  if (neox && !stated)
    experts.width =
        keys.integer_or(spelling(keys, {"intermediate_size", "feedforward_size"}),
                        rounded_up((ffn.rule == FfnRule::neox_llama ? 8 * model.hidden / 3 : 4 * model.hidden), 256));
  experts.shared_width = keys.integer_or("moe_shared_expert_intermediate_size", 0, 0);
  experts.bias = !neox && model.ffn.bias;
  model.experts = experts;

  const std::vector<bool> sparse = sparse_layers(keys, model.layers);
  if (std::find(sparse.begin(), sparse.end(), true) == sparse.end()) {
    model.experts.reset();
  } else if (std::find(sparse.begin(), sparse.end(), false) != sparse.end()) {
    for (const bool is_sparse : sparse)
      model.layer_kinds.push_back({.windowed = model.attention.window > 0, .sparse = is_sparse});
  }
}

void read_constants(Constants& constants, const JsonObject& keys) {
  const auto positive = [&](Keys names, double fallback) {
    const std::string_view key = spelling(keys, names);
    const double value = keys.number_or(key, fallback);
    if (!(value > 0)) keys.fail(key, "expected a number above 0");
    return value;
  };
  constants.norm_epsilon = positive({"norm_epsilon", "layernorm_epsilon", "rms_norm_epsilon"}, constants.norm_epsilon);
  constants.rotary_base = positive({"rotary_base", "rotary_emb_base"}, constants.rotary_base);
  constants.position_offset = keys.integer_or("opt_pos_emb_offset", 0, 0);
}

Model read_model(const JsonObject& keys, const ModelEdit& edit) {
  refuse_foreign(keys);
  require_full_attention(keys);
  Model model;
  model.name = model.family = "neox";
  model.hidden = model.embedding_width = size(keys, {"hidden_size"}, edit.hidden, "--hidden");
  model.layers = size(keys, {"num_layers"}, edit.layers, "--layers", most_layers);
  model.vocab = vocabulary(keys, edit);

  const bool bias = flag(keys, {"add_bias_linear"}, true) && !flag(keys, {"disable_bias_linear"});
  const FfnStatement ffn = ffn_statement(keys);
  read_norm(model, keys);
  read_attention(model, keys, edit, bias);
  model.ffn.width = ffn_width(keys, model.hidden, ffn);
  model.ffn.activation = ffn.function.activation;
  model.ffn.gated = model.ffn.gate_up_fused = ffn.function.gated;
  model.ffn.bias = bias && ffn.rule != FfnRule::neox_llama && flag(keys, {"use_bias_in_mlp"}, true);
  read_experts(model, keys, ffn);
  read_constants(model.constants, keys);
  model.parallel_residual = flag(keys, {"gpt_j_residual"});
  model.shared_norm = model.parallel_residual && flag(keys, {"gpt_j_tied"});
  model.head.tied = !flag(keys, {"no_weight_tying"}) && !flag(keys, {"untie_embeddings_and_output_weights"});
  return model;
}

}  // namespace

Model model_from_neox_yaml(std::string_view text, const std::string& source, const ModelEdit& edit) {
  const json document = parse_yaml(text, source);
  if (!document.is_object())
    throw Error(fmt::format("{}: the document is {}, expected keys and values as in num-layers: 32", source,
                            document.type_name()));
  json normalised = json::object();
  add_normalised(normalised, document, source);
  Model model = read_model(JsonObject(normalised, source), edit);
  try {
    return edited(std::move(model), edit);
  } catch (const Error& problem) {
    throw Error(fmt::format("{}: {}", source, problem.what()));
  }
}

}  // namespace gemmetry::shape
