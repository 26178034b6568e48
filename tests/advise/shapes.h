#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::test {

/// The paper's layer: FFN 4h, LayerNorm, biases, tied embeddings; no position table, so that any sequence runs.
inline shape::Model paper_shape(std::int64_t hidden, std::int64_t heads, std::int64_t layers, std::int64_t vocab) {
  shape::Model model;
  model.name = "test";
  model.hidden = model.embedding_width = hidden;
  model.layers = layers;
  model.vocab = vocab;
  model.attention.heads = model.attention.kv_heads = heads;
  model.attention.head_dim = model.attention.value_dim = hidden / heads;
  model.attention.rotary_dim = hidden / heads;
  model.attention.qkv_bias = model.attention.output_bias = true;
  model.ffn.width = 4 * hidden;
  model.ffn.bias = true;
  model.positions = shape::Positions::rotary;
  return model;
}

inline shape::Model gpt3_2_7b() { return paper_shape(2560, 32, 32, 50257); }

/// RedPajama-INCITE, of the GPT-NeoX family: untied embeddings, parallel residual off.
inline shape::Model redpajama(std::int64_t hidden) {
  shape::Model model = paper_shape(hidden, 32, 32, 50432);
  model.name = hidden == 2560 ? "redpajama-3b" : "redpajama-7b";
  model.head.tied = false;
  return model;
}

inline shape::Model llama2_7b(std::int64_t ffn = 11008) {
  shape::Model model = paper_shape(4096, 32, 32, 32000);
  model.name = "llama-2-7b";
  model.ffn = {.width = ffn, .gated = true, .activation = shape::Activation::silu};
  model.attention.qkv_bias = model.attention.output_bias = false;
  model.norm = shape::NormKind::rms_norm;
  model.norm_bias = false;
  model.head.tied = false;
  return model;
}

/// Llama-3-8B: four query heads to a KV head.
inline shape::Model llama3_8b() {
  shape::Model model = llama2_7b(14336);
  model.name = "llama-3-8b";
  model.vocab = 128256;
  model.attention.kv_heads = 8;
  return model;
}

/// Mixture of experts, every other layer windowed.
inline shape::Model mixture() {
  shape::Model model = llama2_7b(0);
  model.name = "mixture";
  model.hidden = model.embedding_width = 2048;
  model.layers = 12;
  model.attention.heads = 16;
  model.attention.kv_heads = 4;
  model.attention.window = 512;
  model.experts = shape::Experts{.count = 8, .active = 2, .width = 2816, .shared_width = 5632};
  for (int i = 0; i < 12; ++i) model.layer_kinds.push_back({.windowed = i % 2 == 0, .sparse = true, .rotary = true});
  return model;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline shape::Workload training(std::int64_t tensor_parallel = 1) {
  shape::Workload workload;
  workload.phase = shape::Phase::training;
  workload.batch = 4;
  workload.sequence = 2048;
  workload.tensor_parallel = tensor_parallel;
  return workload;
}

}  // namespace gemmetry::test
