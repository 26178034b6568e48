#include "gemmetry/run/weight_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"

namespace gemmetry::run {
namespace {

using op::Module;

[[noreturn]] void refuse(const op::Step& step) {
  throw Error(fmt::format("step '{}' {} cannot be executed yet", name(step.module), step.detail));
}

}  // namespace

WeightRows weight_of_product(const op::Step& step, const shape::Model& model) {
  const shape::AttentionShape& a = model.attention;
  const std::string_view detail = step.detail;
  switch (step.module) {
    case Module::input_embedding:
      return {"embedding_to_hidden"};
    case Module::qkv_transform:
      if (detail == "key") return {"qkv", a.heads * a.head_dim};
      if (detail == "value") return {"qkv", (a.heads + a.kv_heads) * a.head_dim};
      return {"qkv"};
    case Module::linear_projection:
      return {"projection"};
    case Module::mlp_h_to_4h:
      if (!model.ffn.gated) return {"up"};
      return {"gate_up", detail == "up" ? model.ffn.width : 0};
    case Module::mlp_4h_to_h:
      return {"down"};
    case Module::adapter: {
      std::string array = fmt::format("adapter_{}", detail);
      std::replace(array.begin(), array.end(), ' ', '_');
      return {array};
    }
    case Module::linear_output:
      if (detail == "hidden to embedding") return {"hidden_to_embedding"};
      return {model.head.tied ? "tokens" : "head"};
    default:
      refuse(step);
  }
}

std::string weight_of_norm(const op::Step& step) {
  const std::string place = step.detail == "output" ? ".output" : "";
  switch (step.module) {
    case Module::input_embedding:
      return "embedding_norm";
    case Module::layer_norm_1:
      return "norm_1" + place;
    case Module::layer_norm_2:
      return "norm_2" + place;
    case Module::qkv_transform:
      return step.detail == "query norm" ? "query_norm" : "key_norm";
    case Module::adapter:
      return "adapter_norm";
    case Module::final_norm:
      return "final_norm";
    default:
      refuse(step);
  }
}

}  // namespace gemmetry::run
