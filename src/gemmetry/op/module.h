#pragma once

#include <string_view>

namespace gemmetry::op {

/// The part of the model a step belongs to: the rows of the paper's Table II, and what stands between them.
enum class Module {
  input_embedding,
  layer_norm_1,
  qkv_transform,
  position_encoding,  ///< rotary
  key_value_cache,
  attention_score,
  attention_softmax,
  attention_over_value,
  attention,  ///< fused: score, softmax and over value in one
  linear_projection,
  layer_norm_2,
  router,
  mlp_h_to_4h,
  mlp_activation,
  mlp_4h_to_h,
  adapter,
  residual,
  final_norm,
  linear_output,
  loss,
  optimizer,
  tensor_parallel,
  pipeline_parallel,
  data_parallel,
};

/// As the paper writes it: "QKV Transform", "MLP h to 4h", ...
std::string_view name(Module module);

/// When in a step an operator runs.
enum class Pass { forward, recompute, backward, data_gradient, weight_gradient, update };

std::string_view name(Pass pass);

}  // namespace gemmetry::op
