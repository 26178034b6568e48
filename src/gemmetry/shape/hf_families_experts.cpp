#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_gated.h"
#include "gemmetry/shape/hf_reader.h"

namespace gemmetry::shape::hf {
namespace {

/// Experts a token visits; Error when there are not so many.
std::int64_t active_experts(const JsonObject& config, std::int64_t fallback, std::int64_t count) {
  const std::string_view key = "num_experts_per_tok";
  const std::int64_t active = fallback == 0 ? size(config, {key}) : config.integer_or(key, fallback);
  if (active > count) config.fail(key, fmt::format("a token cannot visit {} of {} experts", active, count));
  return active;
}

/// Layers listed in mlp_only_layers are dense, as are those whose number decoder_sparse_step does not divide.
std::vector<LayerKind> sparse_steps(const Model& model, const JsonObject& config) {
  const std::int64_t step = config.integer_or("decoder_sparse_step", 1);
  std::vector<LayerKind> kinds;
  for (std::int64_t layer = 0; layer < model.layers; ++layer)
    kinds.push_back(
        {.windowed = model.attention.window > 0, .sparse = model.experts && (layer + 1) % step == 0, .rotary = true});
  if (!config.has("mlp_only_layers")) return kinds;
  for (const nlohmann::json& layer : config.array("mlp_only_layers")) {
    if (!layer.is_number_integer()) config.fail("mlp_only_layers", "expected a list of layer numbers");
    if (layer >= 0 && layer < model.layers) kinds[layer.get<std::size_t>()].sparse = false;
  }
  return kinds;
}

/// What DeepSeek V2 and V3 take for what a config leaves out; `active` 0: it must be there.
struct DeepSeek {
  std::int64_t ffn, expert_width, experts, active, shared, first_dense;
  std::string_view experts_alias;
};

Model deepseek(const JsonObject& config, const DeepSeek& family) {
  LatentAttention latent;
  latent.q_rank = config.is_null("q_lora_rank") ? 0 : config.integer_or("q_lora_rank", 1536);
  latent.kv_rank = config.integer_or("kv_lora_rank", 512);
  latent.nope_dim = config.integer_or("qk_nope_head_dim", 128);
  latent.rope_dim = config.integer_or("qk_rope_head_dim", 64);

  Model model = gated(config, {.ffn = family.ffn, .head_dim = latent.nope_dim + latent.rope_dim});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  AttentionShape& attention = model.attention;
  attention.latent = latent;
  attention.kv_heads = attention.heads;
  attention.head_dim = latent.nope_dim + latent.rope_dim;
  attention.value_dim = config.integer_or("v_head_dim", 128);
  attention.rotary_dim = latent.rope_dim;

  Experts experts;
  experts.count = size_or(config, {"n_routed_experts", family.experts_alias}, family.experts);
  experts.active = active_experts(config, family.active, experts.count);
  experts.width = config.integer_or("moe_intermediate_size", family.expert_width);
  experts.shared_width =
      product(config, "n_shared_experts", experts.width, config.integer_or("n_shared_experts", family.shared, 0));
  model.experts = experts;

  const std::int64_t dense = config.integer_or("first_k_dense_replace", family.first_dense, 0);
  std::vector<LayerKind> kinds;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) kinds.push_back({.sparse = layer >= dense});
  set_layer_kinds(model, std::move(kinds));
  return model;
}

}  // namespace

Model read_mixtral(const JsonObject& config) {
  Model model = gated(config, {.ffn = 14336, .kv_heads = 8});
  model.attention.window = sliding_window(config, 0);
  Experts experts;
  experts.count = size_or(config, {"num_local_experts", "num_experts"}, 8);
  experts.active = active_experts(config, 2, experts.count);
  experts.width = model.ffn.width;
  model.experts = experts;
  return model;
}

Model read_qwen3_moe(const JsonObject& config) {
  Model model = gated(config, {.ffn = 6144, .kv_heads = 4});
  set_attention_bias(model, config.boolean_or("attention_bias", false));
  model.attention.qk_norm = QkNorm::head;
  model.attention.window = config.boolean_or("use_sliding_window", false) ? sliding_window(config, 4096) : 0;
  Experts experts;
  experts.count = size_or(config, {"num_experts", "num_local_experts"}, 128, 0);
  experts.width = config.integer_or("moe_intermediate_size", 768);
  if (experts.count > 0) {
    experts.active = active_experts(config, 8, experts.count);
    model.experts = experts;
  }
  set_layer_kinds(model, sparse_steps(model, config));
  return model;
}

Model read_gpt_oss(const JsonObject& config) {
  Model model = gated(config, {.ffn = 2880, .kv_heads = 8, .head_dim = 64});
  set_attention_bias(model, config.boolean_or("attention_bias", true));
  model.attention.sinks = true;
  Experts experts;
  experts.count = size_or(config, {"num_local_experts", "num_experts"}, 128);
  experts.active = active_experts(config, 4, experts.count);
  experts.width = model.ffn.width;
  experts.router_bias = true;
  experts.bias = true;
  model.experts = experts;
  const auto even = [](std::int64_t layer) { return layer % 2 == 0; };
  set_windows(model, sliding_window(config, 128), sliding_layers(model, config, even));
  return model;
}

Model read_deepseek_v2(const JsonObject& config) {
  Model model = deepseek(config, {.ffn = 11008,
                                  .expert_width = 1407,
                                  .experts = 64,
                                  .active = 0,
                                  .shared = 2,
                                  .first_dense = 0,
                                  .experts_alias = "num_experts"});
  require_whole_heads(model, config);
  model.ffn.bias = config.boolean_or("mlp_bias", false);
  return model;
}

Model read_deepseek_v3(const JsonObject& config) {
  return deepseek(config, {.ffn = 18432,
                           .expert_width = 2048,
                           .experts = 256,
                           .active = 8,
                           .shared = 1,
                           .first_dense = 3,
                           .experts_alias = "num_local_experts"});
}

}  // namespace gemmetry::shape::hf
