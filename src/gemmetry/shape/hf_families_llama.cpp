#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_gated.h"
#include "gemmetry/shape/hf_reader.h"

namespace gemmetry::shape::hf {
namespace {

/// Qwen 2 and 3: with use_sliding_window, the layers from max_window_layers on slide.
void set_late_windows(Model& model, const JsonObject& config) {
  const std::int64_t window = config.boolean_or("use_sliding_window", false) ? sliding_window(config, 4096) : 0;
  const std::int64_t first = config.integer_or("max_window_layers", 28, 0);
  set_windows(model, window, sliding_layers(model, config, [first](std::int64_t layer) { return layer >= first; }));
}

/// SmolLM 3: which layers rotate; by default all but every fourth.
std::vector<bool> rotating_layers(const Model& model, const JsonObject& config) {
  std::vector<bool> rotating;
  if (config.has("no_rope_layers")) {
    require_length(model, config, "no_rope_layers", true);
    for (const nlohmann::json& flag : config.array("no_rope_layers")) {
      if (flag != 0 && flag != 1) config.fail("no_rope_layers", "expected 1 (rotates) or 0 for each layer");
      rotating.push_back(flag == 1);
    }
    return rotating;
  }
  const std::int64_t interval = config.integer_or("no_rope_layer_interval", 4);
  for (std::int64_t layer = 0; layer < model.layers; ++layer) rotating.push_back((layer + 1) % interval != 0);
  return rotating;
}

}  // namespace

Model gated(const JsonObject& config, const Gated& family) {
  Model model = basics(config, {.tied = family.tied, .head_dim = family.head_dim});
  set_kv_heads(model, config, family.kv_heads);
  model.ffn.width = size_or(config, {"intermediate_size"}, family.ffn);
  model.ffn.gated = true;
  model.ffn.activation = activation(config, family.activation_key, family.activation);
  return model;
}

Model read_llama(const JsonObject& config) {
  Model model = gated(config, {.ffn = 11008});
  require_whole_heads(model, config);
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.ffn.bias = config.boolean_or("mlp_bias", false);
  return model;
}

Model read_mistral(const JsonObject& config) {
  Model model = gated(config, {.ffn = 14336, .kv_heads = 8});
  model.attention.window = sliding_window(config, 4096);
  return model;
}

Model read_ministral(const JsonObject& config) {
  Model model = gated(config, {.ffn = 14336, .kv_heads = 8});
  const auto every = [](std::int64_t) { return true; };
  set_windows(model, sliding_window(config, 4096), sliding_layers(model, config, every));
  return model;
}

Model read_ministral3(const JsonObject& config) {
  Model model = gated(config, {.ffn = 14336, .kv_heads = 8, .head_dim = 128});
  model.attention.window = sliding_window(config, 0);
  return model;
}

Model read_qwen2(const JsonObject& config) {
  Model model = gated(config, {.ffn = 22016, .kv_heads = 32});
  model.attention.qkv_bias = true;
  set_late_windows(model, config);
  return model;
}

Model read_qwen3(const JsonObject& config) {
  Model model = gated(config, {.ffn = 22016, .kv_heads = 32, .head_dim = 128});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.attention.qk_norm = QkNorm::head;
  set_late_windows(model, config);
  return model;
}

Model read_phi3(const JsonObject& config) {
  Model model = gated(config, {.ffn = 8192});
  model.attention.qkv_fused = true;
  model.attention.window = sliding_window(config, 0);
  model.ffn.gate_up_fused = true;
  set_partial_rotary(model, config, 1.0);
  return model;
}

Model read_granite(const JsonObject& config) {
  Model model = gated(config, {.ffn = 11008});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.ffn.bias = config.boolean_or("mlp_bias", false);
  return model;
}

Model read_smollm3(const JsonObject& config) {
  Model model = gated(config, {.ffn = 11008, .kv_heads = 4, .tied = true});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.ffn.bias = config.boolean_or("mlp_bias", false);

  const std::vector<bool> rotating = rotating_layers(model, config);
  const auto still = [&rotating](std::int64_t layer) { return !rotating[static_cast<std::size_t>(layer)]; };
  const std::vector<bool> sliding = sliding_layers(model, config, still);
  model.attention.window = config.boolean_or("use_sliding_window", false) ? sliding_window(config, 0) : 0;
  std::vector<LayerKind> kinds;
  for (std::size_t layer = 0; layer < sliding.size(); ++layer)
    kinds.push_back({.windowed = sliding[layer] && model.attention.window > 0, .rotary = rotating[layer]});
  set_layer_kinds(model, std::move(kinds));
  return model;
}

Model read_seed_oss(const JsonObject& config) {
  Model model = gated(config, {.ffn = 27648, .kv_heads = 8, .head_dim = 128});
  model.attention.qkv_bias = config.boolean_or("attention_bias", true);
  model.attention.output_bias = config.boolean_or("attention_out_bias", false);
  model.ffn.bias = config.boolean_or("mlp_bias", false);
  return model;
}

}  // namespace gemmetry::shape::hf
