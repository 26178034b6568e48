#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_reader.h"

namespace gemmetry::shape::hf {
namespace {

/// The keys of GPT-2 and GPT-J, and the names transformers takes for them as well.
constexpr SizeKeys gpt_keys{.hidden = {"n_embd", "hidden_size"},
                            .layers = {"n_layer", "num_hidden_layers"},
                            .heads = {"n_head", "num_attention_heads"}};

/// GPT-2's layer: LayerNorm before each branch, a plain FFN, biases everywhere, a head dimension of h/a.
Model gpt_like(const JsonObject& config, SizeKeys keys, bool tied) {
  Model model = basics(config, {.keys = keys, .tied = tied, .stated_head_dim = false});
  set_layer_norm(model);
  set_attention_bias(model, true);
  model.ffn.bias = true;
  return model;
}

void set_positions(Model& model, Positions positions, std::int64_t rows = 0) {
  model.positions = positions;
  model.position_rows = rows;
  if (positions != Positions::rotary) model.attention.rotary_dim = 0;
}

void set_parallel(Model& model, bool one_norm) {
  model.parallel_residual = true;
  model.shared_norm = one_norm;
}

/// GPT-Neo's attention_layers, or attention_types such as [[["global", "local"], 12]], one name a layer.
std::vector<bool> local_layers(const Model& model, const JsonObject& config) {
  std::vector<bool> local;
  const auto add = [&](std::string_view key, const nlohmann::json& type) {
    if (type != "global" && type != "local") config.fail(key, "expected 'global' or 'local' for each layer");
    local.push_back(type == "local");
  };
  if (config.has("attention_layers")) {
    require_length(model, config, "attention_layers");
    for (const nlohmann::json& type : config.array("attention_layers")) add("attention_layers", type);
    return local;
  }
  const std::string_view key = "attention_types";
  if (!config.has(key)) {
    for (std::int64_t layer = 0; layer < model.layers; ++layer) local.push_back(layer % 2 == 1);
    return local;
  }
  for (const nlohmann::json& group : config.array(key)) {
    if (!group.is_array() || group.size() != 2 || !group[0].is_array() || group[0].empty() ||
        !group[1].is_number_integer())
      config.fail(key, "expected a list such as [[[\"global\", \"local\"], 12]]");
    for (std::int64_t i = 0; i < group[1].get<std::int64_t>() && std::ssize(local) <= model.layers; ++i)
      for (const nlohmann::json& type : group[0]) add(key, type);
  }
  if (std::ssize(local) != model.layers)
    config.fail(key, fmt::format("lists {}{} layers, but the config has {}; make them agree", local.size(),
                                 std::ssize(local) > model.layers ? " or more" : "", model.layers));
  return local;
}

}  // namespace

Model read_gpt2(const JsonObject& config) {
  Model model = gpt_like(config, gpt_keys, true);
  model.attention.qkv_fused = true;
  model.ffn.width = size_or(config, {"n_inner"}, 4 * model.hidden);
  model.ffn.activation = activation(config, "activation_function", "gelu_new");
  set_positions(model, Positions::learned, size_or(config, {"n_positions", "max_position_embeddings"}, 1024));
  model.max_positions = model.position_rows;
  return model;
}

Model read_gpt_neo(const JsonObject& config) {
  const SizeKeys keys{.layers = {"num_layers", "num_hidden_layers"}, .heads = {"num_heads", "num_attention_heads"}};
  Model model = gpt_like(config, keys, true);
  model.attention.qkv_bias = false;
  model.ffn.width = size_or(config, {"intermediate_size"}, 4 * model.hidden);
  model.ffn.activation = activation(config, "activation_function", "gelu_new");
  set_positions(model, Positions::learned, size_or(config, {"max_position_embeddings"}, 2048));
  model.max_positions = model.position_rows;
  set_windows(model, config.integer_or("window_size", 256), local_layers(model, config));
  return model;
}

Model read_gptj(const JsonObject& config) {
  Model model = gpt_like(config, gpt_keys, false);
  set_attention_bias(model, false);
  set_parallel(model, true);
  model.ffn.width = size_or(config, {"n_inner"}, 4 * model.hidden);
  model.ffn.activation = activation(config, "activation_function", "gelu_new");
  model.head.bias = true;
  model.max_positions = size_or(config, {"n_positions", "max_position_embeddings"}, 2048);
  const std::int64_t rotated = config.integer_or("rotary_dim", 64);
  if (config.has("rotary_dim") && rotated > model.attention.head_dim)
    config.fail("rotary_dim", fmt::format("larger than the head dimension {}", model.attention.head_dim));
  model.attention.rotary_dim = std::min(rotated, model.attention.head_dim);
  return model;
}

Model read_gpt_neox(const JsonObject& config) {
  Model model = gpt_like(config, {}, false);
  set_attention_bias(model, config.boolean_or("attention_bias", true));
  model.attention.qkv_fused = true;
  model.ffn.width = size_or(config, {"intermediate_size"}, 24576);
  model.ffn.activation = activation(config, "hidden_act", "gelu");
  set_partial_rotary(model, config, 0.25, "rotary_pct");
  if (config.boolean_or("use_parallel_residual", true)) set_parallel(model, false);
  return model;
}

Model read_opt(const JsonObject& config) {
  Model model = gpt_like(config, {}, true);
  const bool bias = config.boolean_or("enable_bias", true);
  set_attention_bias(model, bias);
  model.ffn.bias = bias;
  model.ffn.width = size_or(config, {"ffn_dim"}, 3072);
  model.ffn.activation = activation(config, "activation_function", "relu");
  model.embedding_width = size_or(config, {"word_embed_proj_dim"}, model.hidden);
  model.max_positions = size_or(config, {"max_position_embeddings"}, 2048);
  set_positions(model, Positions::learned, model.max_positions + 2);  // two rows come before position 0
  const bool pre = config.boolean_or("do_layer_norm_before", true);
  model.norm_placement = pre ? NormPlacement::pre : NormPlacement::post;
  model.final_norm = pre && !config.boolean_or("_remove_final_layer_norm", false);
  model.norm_weight = config.boolean_or("layer_norm_elementwise_affine", true);
  model.norm_bias = model.norm_weight;
  return model;
}

Model read_bloom(const JsonObject& config) {
  const SizeKeys keys{.hidden = {"hidden_size", "n_embed"},
                      .layers = {"n_layer", "num_hidden_layers"},
                      .heads = {"n_head", "num_attention_heads"}};
  Model model = gpt_like(config, keys, true);
  model.attention.qkv_fused = true;
  model.ffn.width = 4 * model.hidden;
  model.embedding_norm = true;
  set_positions(model, Positions::alibi);
  return model;
}

/// transformers runs every MPT with ALiBi, a 4h FFN and neither biases nor qk-norm, whatever the config says of them.
Model read_mpt(const JsonObject& config) {
  const SizeKeys keys{.hidden = {"d_model", "hidden_size"},
                      .layers = {"n_layers", "num_hidden_layers"},
                      .heads = {"n_heads", "num_attention_heads"}};
  Model model = gpt_like(config, keys, true);
  set_attention_bias(model, false);
  model.attention.qkv_fused = true;
  model.norm_bias = false;
  model.ffn.bias = false;
  model.ffn.width = 4 * model.hidden;
  model.max_positions = config.integer_or("max_seq_len", 2048);
  set_positions(model, Positions::alibi);
  return model;
}

Model read_falcon(const JsonObject& config) {
  const SizeKeys keys{.hidden = {"hidden_size", "n_embed"},
                      .layers = {"num_hidden_layers", "n_layer"},
                      .heads = {"num_attention_heads", "n_head"}};
  Model model = gpt_like(config, keys, true);
  const bool bias = config.boolean_or("bias", false);
  set_attention_bias(model, bias);
  model.ffn.bias = bias;
  model.ffn.width = size_or(config, {"ffn_hidden_size"}, 4 * model.hidden);
  model.ffn.activation = activation(config, "activation", "gelu");
  model.attention.qkv_fused = true;

  const bool grouped = config.boolean_or("new_decoder_architecture", false);  // Falcon 40B's layer, always parallel
  if (grouped) {
    set_kv_heads(model, config, 0, "num_kv_heads");
  } else if (config.boolean_or("multi_query", true)) {
    model.attention.kv_heads = 1;
  }
  if (grouped || config.boolean_or("parallel_attn", true))
    set_parallel(model, config.integer_or("num_ln_in_parallel_attn", grouped ? 2 : 1) != 2);
  set_positions(model, config.boolean_or("alibi", false) ? Positions::alibi : Positions::rotary);
  return model;
}

Model read_phi(const JsonObject& config) {
  Model model = basics(config, {});
  set_layer_norm(model);
  set_attention_bias(model, true);
  set_kv_heads(model, config, 0);
  set_parallel(model, true);
  set_partial_rotary(model, config, 0.5);
  model.ffn = {.width = size_or(config, {"intermediate_size"}, 8192), .bias = true};
  model.ffn.activation = activation(config, "hidden_act", "gelu_new");
  model.head.bias = true;
  if (config.boolean_or("qk_layernorm", false)) {
    if (model.attention.head_dim != model.hidden / model.attention.heads)
      config.fail("head_dim",
                  "with qk_layernorm, heads of this family are of the hidden size over the heads; remove it");
    model.attention.qk_norm = QkNorm::head;
    model.attention.qk_norm_kind = NormKind::layer_norm;
    model.attention.qk_norm_bias = true;
  }
  return model;
}

Model read_starcoder2(const JsonObject& config) {
  Model model = basics(config, {.tied = true});
  const bool bias = config.boolean_or("use_bias", true);
  set_layer_norm(model);
  set_attention_bias(model, bias);
  set_kv_heads(model, config, 2);
  model.attention.window = sliding_window(config, 0);
  model.ffn = {.width = size_or(config, {"intermediate_size"}, 12288), .bias = bias};
  model.ffn.activation = activation(config, "hidden_act", "gelu_pytorch_tanh");
  return model;
}

}  // namespace gemmetry::shape::hf
