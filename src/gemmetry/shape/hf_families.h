#pragma once

#include "gemmetry/base/json.h"
#include "gemmetry/shape/model.h"

/// One reader a Hugging Face family: from its config.json to a Model. hf_config.cpp maps `model_type` to them.
namespace gemmetry::shape::hf {

// hf_families_gpt.cpp: LayerNorm, a plain FFN, biases.
Model read_gpt2(const JsonObject& config);
Model read_gpt_neo(const JsonObject& config);
Model read_gptj(const JsonObject& config);
Model read_gpt_neox(const JsonObject& config);
Model read_opt(const JsonObject& config);
Model read_bloom(const JsonObject& config);
Model read_mpt(const JsonObject& config);
Model read_falcon(const JsonObject& config);
Model read_phi(const JsonObject& config);
Model read_starcoder2(const JsonObject& config);

// hf_families_bert.cpp: encoders.
Model read_bert(const JsonObject& config);
Model read_roberta(const JsonObject& config);

// hf_families_llama.cpp: RMSNorm, a gated FFN, rotary positions, no biases.
Model read_llama(const JsonObject& config);
Model read_mistral(const JsonObject& config);
Model read_ministral(const JsonObject& config);
Model read_ministral3(const JsonObject& config);
Model read_qwen2(const JsonObject& config);
Model read_qwen3(const JsonObject& config);
Model read_phi3(const JsonObject& config);
Model read_granite(const JsonObject& config);
Model read_smollm3(const JsonObject& config);
Model read_seed_oss(const JsonObject& config);

// hf_families_norm.cpp: a gated FFN as well, but other norms or other places for them.
Model read_stablelm(const JsonObject& config);
Model read_olmo(const JsonObject& config);
Model read_olmo2(const JsonObject& config);
Model read_olmo3(const JsonObject& config);
Model read_gemma(const JsonObject& config);
Model read_gemma2(const JsonObject& config);
Model read_gemma3_text(const JsonObject& config);
Model read_cohere(const JsonObject& config);
Model read_cohere2(const JsonObject& config);
Model read_glm(const JsonObject& config);
Model read_glm4(const JsonObject& config);

// hf_families_experts.cpp: mixtures of experts, latent attention.
Model read_mixtral(const JsonObject& config);
Model read_qwen3_moe(const JsonObject& config);
Model read_gpt_oss(const JsonObject& config);
Model read_deepseek_v2(const JsonObject& config);
Model read_deepseek_v3(const JsonObject& config);

}  // namespace gemmetry::shape::hf
