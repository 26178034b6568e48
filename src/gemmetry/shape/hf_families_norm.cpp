#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_gated.h"
#include "gemmetry/shape/hf_reader.h"

namespace gemmetry::shape::hf {
namespace {

/// Every `period`-th layer attends in full, the others slide.
std::function<bool(std::int64_t)> all_but_every(std::int64_t period) {
  return [period](std::int64_t layer) { return (layer + 1) % period != 0; };
}

/// Gemma's layer: Llama's with heads of 256 and tied embeddings, on request bidirectional.
Model gemma_like(const JsonObject& config, Gated family) {
  family.head_dim = 256;
  family.tied = true;
  family.activation = "gelu_pytorch_tanh";
  Model model = gated(config, family);
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.attention.causal = !config.boolean_or("use_bidirectional_attention", false);
  return model;
}

/// Command R's layer: both branches start from one LayerNorm without bias.
Model cohere_like(const JsonObject& config) {
  Model model = gated(config, {.ffn = 22528, .tied = true});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.norm = NormKind::layer_norm;
  model.parallel_residual = true;
  model.shared_norm = true;
  return model;
}

Model glm_like(const JsonObject& config) {
  Model model = gated(config, {.ffn = 13696, .kv_heads = 2, .head_dim = 128});
  model.attention.qkv_bias = config.boolean_or("attention_bias", true);
  model.ffn.gate_up_fused = true;
  set_partial_rotary(model, config, 0.5);
  return model;
}

}  // namespace

Model read_stablelm(const JsonObject& config) {
  Model model = gated(config, {.ffn = 6912, .kv_heads = 32});
  require_whole_heads(model, config);
  model.attention.head_dim = model.attention.value_dim = model.hidden / model.attention.heads;  // it reads no head_dim
  set_partial_rotary(model, config, 0.25);
  set_layer_norm(model);
  model.attention.qkv_bias = config.boolean_or("use_qkv_bias", false);
  model.parallel_residual = config.boolean_or("use_parallel_residual", false);
  model.shared_norm = model.parallel_residual;
  if (config.boolean_or("qk_layernorm", false)) {
    model.attention.qk_norm = QkNorm::head;
    model.attention.qk_norm_kind = NormKind::layer_norm;
    model.attention.qk_norm_own_weights = true;
  }
  return model;
}

Model read_olmo(const JsonObject& config) {
  Model model = gated(config, {.ffn = 11008});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.norm = NormKind::layer_norm;
  model.norm_weight = false;
  return model;
}

Model read_olmo2(const JsonObject& config) {
  Model model = gated(config, {.ffn = 11008});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.norm_placement = NormPlacement::branch;
  model.attention.qk_norm = QkNorm::width;
  return model;
}

Model read_olmo3(const JsonObject& config) {
  Model model = read_olmo2(config);
  set_windows(model, sliding_window(config, 4096), sliding_layers(model, config, all_but_every(4)));
  return model;
}

Model read_gemma(const JsonObject& config) { return gemma_like(config, {.ffn = 24576, .kv_heads = 16}); }

Model read_gemma2(const JsonObject& config) {
  Model model = gemma_like(config, {.ffn = 9216, .kv_heads = 4, .activation_key = "hidden_activation"});
  require_whole_heads(model, config);
  model.norm_placement = NormPlacement::sandwich;
  set_windows(model, sliding_window(config, 4096), sliding_layers(model, config, all_but_every(2)));
  return model;
}

Model read_gemma3_text(const JsonObject& config) {
  Model model = gemma_like(config, {.ffn = 9216, .kv_heads = 4, .activation_key = "hidden_activation"});
  require_whole_heads(model, config);
  model.norm_placement = NormPlacement::sandwich;
  model.attention.qk_norm = QkNorm::head;
  const std::int64_t period = config.integer_or("sliding_window_pattern", 6);
  set_windows(model, sliding_window(config, 4096), sliding_layers(model, config, all_but_every(period)));
  return model;
}

Model read_cohere(const JsonObject& config) {
  Model model = cohere_like(config);
  if (config.boolean_or("use_qk_norm", false)) {
    model.attention.qk_norm = QkNorm::head;
    model.attention.qk_norm_kind = NormKind::layer_norm;
    model.attention.qk_norm_own_weights = true;
  }
  return model;
}

/// Only the sliding layers rotate.
Model read_cohere2(const JsonObject& config) {
  Model model = cohere_like(config);
  model.attention.window = sliding_window(config, 4096);
  const std::int64_t period = config.integer_or("sliding_window_pattern", 4);
  std::vector<LayerKind> kinds;
  for (const bool slides : sliding_layers(model, config, all_but_every(period))) {
    const bool windowed = slides && model.attention.window > 0;
    kinds.push_back({.windowed = windowed, .rotary = windowed});
  }
  set_layer_kinds(model, std::move(kinds));
  return model;
}

Model read_glm(const JsonObject& config) { return glm_like(config); }

Model read_glm4(const JsonObject& config) {
  Model model = glm_like(config);
  model.norm_placement = NormPlacement::sandwich;
  return model;
}

}  // namespace gemmetry::shape::hf
