#include <algorithm>

#include "gemmetry/shape/hf_families.h"
#include "gemmetry/shape/hf_reader.h"

namespace gemmetry::shape::hf {

Model read_bert(const JsonObject& config) {
  Model model = basics(config, {.tied = true, .stated_head_dim = false});
  set_layer_norm(model);
  set_attention_bias(model, true);
  model.attention.causal = config.boolean_or("is_decoder", false);
  model.attention.rotary_dim = 0;
  model.ffn = {.width = size_or(config, {"intermediate_size"}, 3072), .bias = true};
  model.ffn.activation = activation(config, "hidden_act", "gelu");
  model.positions = Positions::learned;
  model.position_rows = size_or(config, {"max_position_embeddings"}, 512);
  model.max_positions = model.position_rows;
  model.token_types = config.integer_or("type_vocab_size", 2);
  model.embedding_norm = true;
  model.norm_placement = NormPlacement::post;
  model.final_norm = false;
  model.head.bias = true;
  model.head.transform = true;
  model.pooler = !model.head.present;  // transformers adds a pooler to the bare encoder only
  return model;
}

/// The same layer; positions are counted from the padding token on, so the first rows of their table are no positions.
Model read_roberta(const JsonObject& config) {
  Model model = read_bert(config);
  const std::int64_t padding = config.integer_or("pad_token_id", 1, 0);
  model.max_positions = std::max<std::int64_t>(0, model.position_rows - padding - 1);
  return model;
}

}  // namespace gemmetry::shape::hf
