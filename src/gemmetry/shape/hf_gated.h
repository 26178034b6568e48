#pragma once

#include <cstdint>
#include <string_view>

#include "gemmetry/base/json.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::shape::hf {

/// What differs among the families of Llama's kind when a config leaves it out.
struct Gated {
  std::int64_t ffn = 0;       ///< intermediate_size
  std::int64_t kv_heads = 0;  ///< num_key_value_heads; 0: as many as heads
  std::int64_t head_dim = 0;  ///< 0: h/a
  bool tied = false;
  std::string_view activation_key = "hidden_act";
  std::string_view activation = "silu";
};

/// Llama's layer: RMSNorm before each branch, rotary positions, a gated FFN, no biases.
Model gated(const JsonObject& config, const Gated& family);

}  // namespace gemmetry::shape::hf
