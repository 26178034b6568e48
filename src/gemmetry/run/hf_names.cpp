#include "gemmetry/run/hf_names.h"

#include <algorithm>
#include <array>

namespace gemmetry::run {
namespace {

constexpr HfName gpt2_names[] = {
    {"tokens", {"wte"}},      {"positions", {"wpe"}},          {"norm_1", {"ln_1"}},
    {"qkv", {"attn.c_attn"}}, {"projection", {"attn.c_proj"}}, {"norm_2", {"ln_2"}},
    {"up", {"mlp.c_fc"}},     {"down", {"mlp.c_proj"}},        {"final_norm", {"ln_f"}},
};

constexpr HfName gpt_neox_names[] = {
    {"tokens", {"embed_in"}},
    {"norm_1", {"input_layernorm"}},
    {"qkv", {"attention.query_key_value"}},
    {"projection", {"attention.dense"}},
    {"norm_2", {"post_attention_layernorm"}},
    {"up", {"mlp.dense_h_to_4h"}},
    {"down", {"mlp.dense_4h_to_h"}},
    {"final_norm", {"final_layer_norm"}},
};

constexpr HfName opt_names[] = {
    {"tokens", {"decoder.embed_tokens"}},
    {"positions", {"decoder.embed_positions"}},
    {"embedding_to_hidden", {"decoder.project_in"}},
    {"norm_1", {"self_attn_layer_norm"}},
    {"qkv", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
    {"projection", {"self_attn.out_proj"}},
    {"norm_2", {"final_layer_norm"}},
    {"up", {"fc1"}},
    {"down", {"fc2"}},
    {"final_norm", {"decoder.final_layer_norm"}},
    {"hidden_to_embedding", {"decoder.project_out"}},
};

constexpr HfName llama_names[] = {
    {"tokens", {"embed_tokens"}},
    {"norm_1", {"input_layernorm"}},
    {"qkv", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
    {"query_norm", {"self_attn.q_norm"}},
    {"key_norm", {"self_attn.k_norm"}},
    {"projection", {"self_attn.o_proj"}},
    {"norm_2", {"post_attention_layernorm"}},
    {"gate_up", {"mlp.gate_proj", "mlp.up_proj"}},
    {"down", {"mlp.down_proj"}},
    {"final_norm", {"norm"}},
};

constexpr HfNames gpt2{"transformer.", "h.", "lm_head", gpt2_names, true, false};
constexpr HfNames gpt_neox{"gpt_neox.", "layers.", "embed_out", gpt_neox_names, false, true};
constexpr HfNames opt{"model.", "decoder.layers.", "lm_head", opt_names, false, false};
constexpr HfNames llama{"model.", "layers.", "lm_head", llama_names, false, false};

struct Family {
  std::string_view name;
  const HfNames& names;
};

constexpr std::array families{Family{"gpt2", gpt2},   Family{"gpt_neox", gpt_neox}, Family{"opt", opt},
                              Family{"llama", llama}, Family{"mistral", llama},     Family{"qwen2", llama},
                              Family{"qwen3", llama}};

}  // namespace

const HfNames* hf_names(std::string_view family) {
  const auto found = std::find_if(families.begin(), families.end(), [=](const Family& f) { return f.name == family; });
  return found == families.end() ? nullptr : &found->names;
}

}  // namespace gemmetry::run
