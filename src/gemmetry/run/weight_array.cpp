#include "gemmetry/run/weight_array.h"

#include <fmt/format.h>

#include <cmath>

namespace gemmetry::run {
namespace {

using shape::Model;
using shape::NormKind;
using shape::NormPlacement;
using shape::QkNorm;

/// The arrays of one model as they are listed.
class Arrays {
 public:
  explicit Arrays(const Model& model) : model_(model) {}

  void table(const std::string& name, std::int64_t rows, std::int64_t columns) {
    all.push_back({name + ".weight", rows, columns, {0, spread(columns)}, false});
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
    all.push_back({name + ".weight", out, in, {0, spread(in)}, false});
    if (bias) all.push_back({name + ".bias", 1, out, {0, small}, true});
  }
  /// LayerNorm's kernel takes a bias whether the model has one or not.
  void norm(const std::string& name, std::int64_t width, NormKind kind, bool has_weight, bool has_bias) {
    all.push_back({name + ".weight", 1, width, {1, has_weight ? small : 0}, true});
    if (kind == NormKind::layer_norm) all.push_back({name + ".bias", 1, width, {0, has_bias ? small : 0}, true});
  }
  void norm(const std::string& name) {
    norm(name, model_.hidden, model_.norm, model_.norm_weight, model_.norm_weight && model_.norm_bias);
  }

  std::vector<WeightArray> all;

 private:
  static constexpr float small = 0.1f;

  /// Products of such weights with numbers of variance 1 have variance 1.
  static float spread(std::int64_t fan_in) { return std::sqrt(3.0f / static_cast<float>(fan_in)); }

  const Model& model_;
};

void add_branch_norms(Arrays& arrays, const Model& model, const std::string& name) {
  const NormPlacement placement = model.norm_placement;
  if (placement != NormPlacement::branch) arrays.norm(name);
  if (placement == NormPlacement::branch || placement == NormPlacement::sandwich) arrays.norm(name + ".output");
}

void add_attention(Arrays& arrays, const Model& model, const std::string& layer) {
  const shape::AttentionShape& a = model.attention;
  const std::int64_t q = a.heads * a.head_dim;
  const std::int64_t k = a.kv_heads * a.head_dim;
  const std::int64_t v = a.kv_heads * a.value_dim;
  arrays.linear(layer + "qkv", q + k + v, model.hidden, a.qkv_bias);
  if (a.qk_norm != QkNorm::none) {
    const bool by_head = a.qk_norm == QkNorm::head;
    arrays.norm(layer + "query_norm", by_head ? a.head_dim : q, a.qk_norm_kind, true, a.qk_norm_bias);
    arrays.norm(layer + "key_norm", by_head ? a.head_dim : k, a.qk_norm_kind, true, a.qk_norm_bias);
  }
  arrays.linear(layer + "projection", model.hidden, a.heads * a.value_dim, a.output_bias);
}

void add_ffn(Arrays& arrays, const Model& model, const std::string& layer) {
  const shape::Ffn& ffn = model.ffn;
  arrays.linear(layer + (ffn.gated ? "gate_up" : "up"), (ffn.gated ? 2 : 1) * ffn.width, model.hidden, ffn.bias);
  arrays.linear(layer + "down", model.hidden, ffn.width, ffn.bias);
}

void add_adapter(Arrays& arrays, const Model& model, const std::string& layer) {
  const std::int64_t rank = model.adapter->rank;
  const auto pair = [&](const std::string& place, std::int64_t out, bool bias) {
    arrays.linear(layer + "adapter_" + place + "down", rank, model.hidden, bias);
    arrays.linear(layer + "adapter_" + place + "up", out, rank, bias);
  };
  switch (model.adapter->kind) {
    case shape::AdapterKind::houlsby:
      pair("attention_", model.hidden, true);
      pair("mlp_", model.hidden, true);
      break;
    case shape::AdapterKind::lin:
      arrays.norm(layer + "adapter_norm");
      pair("", model.hidden, true);
      break;
    case shape::AdapterKind::lora:
      pair("query_", model.attention.heads * model.attention.head_dim, false);
      pair("value_", model.attention.kv_heads * model.attention.value_dim, false);
      break;
    case shape::AdapterKind::lora_merged:
      break;
  }
}

}  // namespace

std::string layer_array(std::int64_t layer, std::string_view name) { return fmt::format("layers.{}.{}", layer, name); }

std::vector<WeightArray> weight_arrays(const Model& model) {
  Arrays arrays(model);
  arrays.table("tokens", model.vocab, model.embedding_width);
  if (model.positions == shape::Positions::learned)
    arrays.table("positions", model.position_rows, model.embedding_width);
  const bool projected = model.embedding_width != model.hidden;
  if (projected) arrays.linear("embedding_to_hidden", model.hidden, model.embedding_width, false);
  if (model.embedding_norm) arrays.norm("embedding_norm");
  for (std::int64_t index = 0; index < model.layers; ++index) {
    const std::string layer = layer_array(index, "");
    add_branch_norms(arrays, model, layer + "norm_1");
    add_attention(arrays, model, layer);
    if (!(model.parallel_residual && model.shared_norm)) add_branch_norms(arrays, model, layer + "norm_2");
    add_ffn(arrays, model, layer);
    if (model.adapter) add_adapter(arrays, model, layer);
  }
  if (model.final_norm) arrays.norm("final_norm");
  if (!model.head.present) return std::move(arrays.all);
  if (projected) arrays.linear("hidden_to_embedding", model.embedding_width, model.hidden, false);
  if (!model.head.tied) arrays.table("head", model.vocab, model.embedding_width);
  if (model.head.bias) arrays.all.push_back({"head.bias", 1, model.vocab, {0, 0.1f}, true});
  return std::move(arrays.all);
}

}  // namespace gemmetry::run
