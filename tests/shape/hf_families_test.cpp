#include <gtest/gtest.h>

#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"
#include "shape/hf_cases.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;

Model read(const json& config) { return model_from_hf_config(config.dump(), "config.json"); }

Model read_case(const std::string& name) {
  for (const json& c : test::hf_cases())
    if (c["name"] == name) return read(c["config"]);
  throw std::runtime_error("no case " + name);
}

/// A small config of a family that uses the usual names.
json small(const std::string& family, std::int64_t layers = 4) {
  return {{"model_type", family}, {"hidden_size", 64},        {"num_hidden_layers", layers},
          {"vocab_size", 100},    {"num_attention_heads", 4}, {"num_key_value_heads", 2}};
}

std::string windows(const Model& model) {
  std::string text;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) text += layer_kind(model, layer).windowed ? 'w' : 'f';
  return text;
}

std::string rotations(const Model& model) {
  std::string text;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) text += layer_kind(model, layer).rotary ? 'r' : '-';
  return text;
}

std::string experts(const Model& model) {
  std::string text;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) text += layer_kind(model, layer).sparse ? 's' : 'd';
  return text;
}

TEST(HfFamilies, Gpt2IsThePapersLayer) {
  const Model model = read_case("gpt2");
  EXPECT_TRUE(is_paper_model(model));
  EXPECT_TRUE(model.attention.qkv_fused);
  EXPECT_TRUE(model.attention.qkv_bias);
  EXPECT_TRUE(model.head.tied);
  EXPECT_EQ(model.positions, Positions::learned);
  EXPECT_EQ(model.position_rows, 1024);
  EXPECT_EQ(model.attention.rotary_dim, 0);
  EXPECT_EQ(model.ffn.activation, Activation::gelu);
}

TEST(HfFamilies, AnAliasIsTheKey) {
  const json own = {{"model_type", "gpt2"}, {"n_embd", 96}, {"n_layer", 3}, {"n_head", 6}, {"vocab_size", 50}};
  const json alias = {{"model_type", "gpt2"},
                      {"hidden_size", 96},
                      {"num_hidden_layers", 3},
                      {"num_attention_heads", 6},
                      {"vocab_size", 50}};
  EXPECT_EQ(read(own), read(alias));
}

TEST(HfFamilies, OldAndNewKeysReadAlike) {
  json old_keys = small("stablelm");
  old_keys.update({{"partial_rotary_factor", 0.5}, {"rope_theta", 10000}, {"torch_dtype", "bfloat16"}});
  json new_keys = small("stablelm");
  new_keys.update(
      {{"rope_parameters", {{"partial_rotary_factor", 0.5}, {"rope_theta", 10000.0}}}, {"dtype", "bfloat16"}});
  EXPECT_EQ(read(old_keys), read(new_keys));
  EXPECT_EQ(read(old_keys).attention.rotary_dim, 8);
  EXPECT_EQ(read(small("stablelm")).attention.rotary_dim, 4);
}

TEST(HfFamilies, RotatedPartOfAHead) {
  EXPECT_EQ(read_case("pythia-2.8b").attention.rotary_dim, 20);
  EXPECT_EQ(read_case("gpt-neox-20b-hub").attention.rotary_dim, 24);  // rotary_pct, as old configs have it
  EXPECT_EQ(read_case("gptj-6b").attention.rotary_dim, 64);
  EXPECT_EQ(read_case("phi-2").attention.rotary_dim, 32);
  EXPECT_EQ(read_case("phi-4-mini-hub").attention.rotary_dim, 96);
  EXPECT_EQ(read_case("glm4-9b").attention.rotary_dim, 64);
  EXPECT_EQ(read_case("deepseek-v3").attention.rotary_dim, 64);
}

TEST(HfFamilies, ParallelBranches) {
  const Model gptj = read_case("gptj-6b");
  EXPECT_TRUE(gptj.parallel_residual && gptj.shared_norm);
  EXPECT_TRUE(gptj.head.bias);
  EXPECT_FALSE(gptj.head.tied);
  const Model pythia = read_case("pythia-410m");
  EXPECT_TRUE(pythia.parallel_residual && !pythia.shared_norm);
  EXPECT_FALSE(read_case("gpt-neox-sequential-no-attention-bias").parallel_residual);
  EXPECT_TRUE(read_case("falcon-7b").shared_norm);
  EXPECT_FALSE(read_case("falcon-40b-hub").shared_norm);
  EXPECT_TRUE(read_case("falcon-11b-hub").shared_norm);
  EXPECT_FALSE(read_case("falcon-rw-1b-hub").parallel_residual);
  EXPECT_TRUE(read_case("cohere-command-r7b").shared_norm);
  EXPECT_TRUE(read_case("stablelm-2-12b-hub").shared_norm);
}

TEST(HfFamilies, FalconHeads) {
  EXPECT_EQ(read_case("falcon-7b").attention.kv_heads, 1);
  EXPECT_EQ(read_case("falcon-40b-hub").attention.kv_heads, 8);
  const Model rw = read_case("falcon-rw-1b-hub");
  EXPECT_EQ(rw.attention.kv_heads, 32);
  EXPECT_EQ(rw.positions, Positions::alibi);
  EXPECT_EQ(rw.attention.rotary_dim, 0);
  EXPECT_TRUE(rw.attention.qkv_bias);
}

TEST(HfFamilies, Opt350mNormsAfterAndProjectsItsEmbedding) {
  const Model model = read_case("opt-350m-hub");
  EXPECT_EQ(model.norm_placement, NormPlacement::post);
  EXPECT_FALSE(model.final_norm);
  EXPECT_EQ(model.embedding_width, 512);
  EXPECT_EQ(model.position_rows, 2050);
  EXPECT_EQ(model.max_positions, 2048);
}

TEST(HfFamilies, PlacesAndKindsOfNorms) {
  EXPECT_EQ(read_case("gemma-2-9b").norm_placement, NormPlacement::sandwich);
  EXPECT_EQ(read_case("glm4-9b").norm_placement, NormPlacement::sandwich);
  EXPECT_EQ(read_case("olmo2-7b").norm_placement, NormPlacement::branch);
  EXPECT_EQ(read_case("olmo2-7b").attention.qk_norm, QkNorm::width);
  EXPECT_EQ(read_case("qwen3-0.6b").attention.qk_norm, QkNorm::head);
  EXPECT_EQ(read_case("phi-gqa-qk-layernorm-tied").attention.qk_norm_kind, NormKind::layer_norm);
  EXPECT_TRUE(read_case("command-r-plus-hub").attention.qk_norm_own_weights);
  EXPECT_FALSE(read_case("olmo-7b").norm_weight);
  EXPECT_FALSE(read_case("mpt-7b").norm_bias);
  EXPECT_TRUE(read_case("bloom-7b1").embedding_norm);
}

TEST(HfFamilies, WhatRunsAsOneProduct) {
  const Model phi3 = read_case("phi-3-mini");
  EXPECT_TRUE(phi3.attention.qkv_fused && phi3.ffn.gate_up_fused);
  const Model glm4 = read_case("glm4-9b");
  EXPECT_TRUE(!glm4.attention.qkv_fused && glm4.ffn.gate_up_fused);
  for (const char* name : {"gpt2", "pythia-70m", "bloom-7b1", "mpt-7b", "falcon-7b"})
    EXPECT_TRUE(read_case(name).attention.qkv_fused) << name;
  for (const char* name : {"llama-2-7b", "gptj-6b", "gpt-neo-2.7b", "opt-2.7b", "phi-2", "bert-defaults"})
    EXPECT_FALSE(read_case(name).attention.qkv_fused) << name;
}

TEST(HfFamilies, WindowsOfEveryLayer) {
  EXPECT_EQ(read_case("mistral-7b").attention.window, 4096);
  EXPECT_TRUE(layer_kind(read_case("mistral-7b"), 0).windowed);
  EXPECT_EQ(read_case("mistral-nemo-hub").attention.window, 0);  // null
  EXPECT_EQ(read(small("mistral")).attention.window, 4096);      // missing
}

TEST(HfFamilies, WindowsOfSomeLayers) {
  EXPECT_EQ(windows(read(small("gemma2", 5))), "wfwfw");
  EXPECT_EQ(windows(read(small("gemma3_text", 8))), "wwwwwfww");
  json pattern = small("gemma3_text", 5);
  pattern["sliding_window_pattern"] = 2;
  EXPECT_EQ(windows(read(pattern)), "wfwfw");
  EXPECT_EQ(windows(read(small("gpt_oss", 3))), "wfw");
  EXPECT_EQ(windows(read(small("olmo3", 5))), "wwwfw");
  EXPECT_EQ(windows(read_case("qwen2-windowed")), "ffffww");
  EXPECT_EQ(windows(read_case("gemma2-explicit-layer-types")), "ffw");
  EXPECT_EQ(windows(read_case("gpt-neo-125m-hub")), "fwfwfwfwfwfw");
}

TEST(HfFamilies, NoWindowWhereNoLayerHasOne) {
  json config = small("qwen2");
  config["layer_types"] = {"full_attention", "full_attention", "full_attention", "full_attention"};
  config["use_sliding_window"] = true;
  const Model model = read(config);
  EXPECT_EQ(model.attention.window, 0);
  EXPECT_TRUE(model.layer_kinds.empty());
}

TEST(HfFamilies, LayersThatDoNotRotate) {
  EXPECT_EQ(rotations(read(small("smollm3", 9))), "rrr-rrr-r");
  EXPECT_EQ(rotations(read_case("smollm3-all-rope")), "rrrr");
  const Model windowed = read_case("smollm3-windowed-untied");
  EXPECT_EQ(rotations(windowed), "rr-rr-rr-");
  EXPECT_EQ(windows(windowed), "ffwffwffw");
  const Model cohere2 = read(small("cohere2", 5));
  EXPECT_EQ(windows(cohere2), "wwwfw");
  EXPECT_EQ(rotations(cohere2), "rrr-r");
}

TEST(HfFamilies, SparseLayers) {
  EXPECT_EQ(experts(read_case("qwen3-moe-mixed-layers")), "dsddds");
  EXPECT_EQ(experts(read_case("qwen3-moe-first-dense")), "dsss");
  Model v3 = read_case("deepseek-v3");
  set_layers(v3, 5);
  EXPECT_EQ(experts(v3), "dddss");
  json dense = small("qwen3_moe");
  dense["num_experts"] = 0;
  EXPECT_FALSE(read(dense).experts.has_value());
}

TEST(HfFamilies, Experts) {
  const Model oss = read_case("gpt-oss-20b");
  ASSERT_TRUE(oss.experts);
  EXPECT_EQ(oss.experts->count, 32);
  EXPECT_EQ(oss.experts->active, 4);
  EXPECT_TRUE(oss.experts->bias && oss.experts->router_bias && oss.attention.sinks);
  const Model v2 = read_case("deepseek-v2-lite");
  ASSERT_TRUE(v2.experts);
  EXPECT_EQ(v2.experts->width, 1408);
  EXPECT_EQ(v2.experts->shared_width, 2816);
  EXPECT_EQ(count_parameters(read_case("mixtral-8x7b")).active, 12'879'925'248);
}

TEST(HfFamilies, LatentAttention) {
  const Model v3 = read_case("deepseek-v3");
  ASSERT_TRUE(v3.attention.latent);
  EXPECT_EQ(*v3.attention.latent, (LatentAttention{.q_rank = 1536, .kv_rank = 512, .nope_dim = 128, .rope_dim = 64}));
  EXPECT_EQ(v3.attention.head_dim, 192);
  EXPECT_EQ(v3.attention.value_dim, 128);
  EXPECT_EQ(v3.attention.kv_heads, 128);
  EXPECT_EQ(read_case("deepseek-v2-lite").attention.latent->q_rank, 0);  // null
}

TEST(HfFamilies, EncodersHaveAHeadOrAPooler) {
  const Model masked = read_case("bert-base-uncased-hub");
  EXPECT_TRUE(masked.head.present && masked.head.tied && masked.head.bias && masked.head.transform);
  EXPECT_FALSE(masked.pooler);
  EXPECT_FALSE(masked.attention.causal);
  EXPECT_EQ(masked.norm_placement, NormPlacement::post);
  EXPECT_EQ(masked.token_types, 2);
  const Model bare = read_case("bert-large-bare");
  EXPECT_FALSE(bare.head.present);
  EXPECT_TRUE(bare.pooler);
  const Model roberta = read_case("roberta-base-hub");
  EXPECT_EQ(roberta.position_rows, 514);
  EXPECT_EQ(roberta.max_positions, 512);
}

TEST(HfFamilies, ABareDecoderHasNoHead) {
  EXPECT_FALSE(read_case("gpt2-bare").head.present);
  EXPECT_TRUE(read_case("gpt2-xl-hub").head.present);  // GPT2LMHeadModel ends in Model too
}

TEST(HfFamilies, AWrapperIsItsTextConfig) {
  const json text = small("gemma3_text");
  const json wrapper = {{"model_type", "gemma3"}, {"text_config", text}, {"vision_config", {{"hidden_size", 1152}}}};
  EXPECT_EQ(read(wrapper), read(text));
  json untied = wrapper;
  untied["tie_word_embeddings"] = false;
  EXPECT_FALSE(read(untied).head.tied);
  untied["text_config"]["tie_word_embeddings"] = true;
  EXPECT_TRUE(read(untied).head.tied);
}

TEST(HfFamilies, ActivationVariantsAreOneKind) {
  for (const char* name : {"gelu_new", "gelu_pytorch_tanh", "quick_gelu", "gelu_fast"}) {
    json config = small("llama");
    config["hidden_act"] = name;
    EXPECT_EQ(read(config).ffn.activation, Activation::gelu) << name;
  }
  json config = small("llama");
  config["hidden_act"] = "relu2";
  EXPECT_EQ(read(config).ffn.activation, Activation::relu);
  config["hidden_act"] = "swish";
  EXPECT_EQ(read(config).ffn.activation, Activation::silu);
}

}  // namespace
}  // namespace gemmetry::shape
