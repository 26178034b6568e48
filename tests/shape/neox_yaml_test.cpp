#include <gtest/gtest.h>

#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/layer_pattern.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

Model read(const std::string& text, const ModelEdit& edit = {}) { return model_from_neox_yaml(text, "test.yml", edit); }

std::string problem(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.rfind("test.yml: ", 0), 0u) << message;
    return message;
  }
  return "";
}

void expect_problem(const std::string& text, std::initializer_list<std::string> parts) {
  const std::string message = problem(text);
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
}

const std::string small =
    "{num-layers: 12, hidden-size: 768, num-attention-heads: 12, max-position-embeddings: 2048, "
    "vocab-size: 50304";

/// Equal but for where they come from and for constants, which presets seldom state and formats default differently.
void expect_same(Model model, const std::string& name) {
  const Model expected = preset(name);
  EXPECT_EQ(count_parameters(model).total, count_parameters(expected).total) << name;
  model.name = expected.name;
  model.family = expected.family;
  model.constants = expected.constants;
  EXPECT_EQ(model, expected) << name;
}

std::string pythia(const std::string& sizes) {
  return "{\n  # model settings\n" + sizes + R"(
    "max-position-embeddings": 2048, "seq-length": 2048, "pos-emb": "rotary", "rotary-pct": 0.25, "no-weight-tying": true,
    "gpt-j-residual": true, "output-layer-parallelism": "column", "attention-config": [[["flash"], 16]],
    "optimizer": {"type": "Adam", "params": {"lr": 0.00025, "betas": [0.9, 0.95]}}, "vocab_size": 50254,
  })";
}

TEST(NeoxYaml, ReadsPythiaWithItsPaddedVocabularies) {
  expect_same(read(pythia(R"("num-layers": 16, "hidden-size": 2048, "num-attention-heads": 8,)")), "pythia-1b");
  expect_same(
      read(pythia(R"("num-layers": 32, "hidden-size": 4096, "num-attention-heads": 32, "model-parallel-size": 2,)")),
      "pythia-6.9b");
  expect_same(
      read(pythia(R"("num-layers": 36, "hidden-size": 5120, "num-attention-heads": 40, "model-parallel-size": 4,)")),
      "pythia-12b");
}

TEST(NeoxYaml, TakesTheVocabularyFromTheEdit) {
  const std::string text =
      "num_layers: 44\nhidden_size: 6144\nnum_attention_heads: 64\nmax_position_embeddings: 2048\n"
      "pos_emb: rotary\nrotary_pct: 0.25\nno_weight_tying: True\ngpt_j_residual: true\n";
  expect_problem(text, {"key 'padded_vocab_size' is missing", "--vocab"});
  ModelEdit edit;
  edit.vocab = 50432;
  expect_same(read(text, edit), "gpt-neox-20b");
  edit.heads = 48;
  EXPECT_EQ(read(text, edit).attention.head_dim, 128) << "the edit goes over the file";
  edit.vocab = 0;
  EXPECT_THROW(read(text, edit), Error);
}

TEST(NeoxYaml, GatedWidthIsAThirdOfTheIntermediateSize) {
  const std::string llama =
      "{num_layers: 32, hidden_size: 4096, num_attention_heads: 32, max_position_embeddings: 4096, "
      "pos_emb: rotary, no_weight_tying: true, norm: rmsnorm, use_bias_in_norms: false, "
      "use_bias_in_attn_linear: false, padded_vocab_size: 32000, ";
  // as in the repository's llama2/7B.yml: 32768 / 3 = 10922, in multiples of 256
  const Model swiglu =
      read(llama + "intermediate_size: 32768, activation: swiglu, mlp_multiple_of: 256, use_bias_in_mlp: false}");
  EXPECT_EQ(swiglu.ffn.width, 11008);
  EXPECT_EQ(count_parameters(swiglu).total, 6738415616);
  // as in llama/7B.yml: mlp_type llama takes 8h/3 or the size as it is, and has no biases
  const Model typed = read(llama + "mlp_type: llama, activation: silu}");
  EXPECT_EQ(typed.ffn.width, 11008);
  EXPECT_EQ(count_parameters(typed).total, 6738415616);
  EXPECT_EQ(read(llama + "mlp_type: llama, activation: silu, intermediate_size: 14336, num_kv_heads: 8}").ffn.width,
            14336);
}

TEST(NeoxYaml, ReadsWhatVaries) {
  const Model plain = read(small + "}");
  EXPECT_EQ(plain.positions, Positions::learned);
  EXPECT_EQ(plain.position_rows, 2048);
  EXPECT_EQ(plain.ffn.width, 3072);
  EXPECT_TRUE(plain.head.tied);
  EXPECT_TRUE(plain.ffn.bias && plain.attention.qkv_bias && plain.norm_bias);
  EXPECT_TRUE(is_paper_model(plain));

  EXPECT_EQ(read(small + ", pos-emb: alibi}").positions, Positions::alibi);
  EXPECT_EQ(read(small + ", pos-emb: sinusoidal}").positions, Positions::none);
  EXPECT_EQ(read(small + ", opt-pos-emb-offset: 2}").position_rows, 2050);
  EXPECT_EQ(read(small + ", expansion-factor: 3.5}").ffn.width, 2688);
  EXPECT_EQ(read(small + ", intermediate-size: 3000, mlp-multiple-of: 256}").ffn.width, 3072);
  EXPECT_FALSE(read(small + ", use-bias-in-mlp: false}").ffn.bias);
  EXPECT_FALSE(read(small + ", use-bias-in-attn-linear: no}").attention.output_bias);
  EXPECT_FALSE(read(small + ", use-bias-in-norms: off}").norm_bias);
  EXPECT_FALSE(read(small + ", norm: non_parametric_layernorm}").norm_weight);
  EXPECT_TRUE(read(small + ", gpt-j-residual: true, gpt-j-tied: true}").shared_norm);
  EXPECT_EQ(read(small + ", sliding-window-width: 256}").attention.window, 256);
  EXPECT_EQ(read(small + ", num-kv-heads: 4}").attention.kv_heads, 4);
}

TEST(NeoxYaml, ReadsNeoxExperts) {
  const Model all = read(small + ", moe-num-experts: 8, moe-top-k: 2}");
  EXPECT_EQ(all.experts->count, 8);
  EXPECT_EQ(all.experts->active, 2);
  EXPECT_EQ(all.experts->width, 3072);
  EXPECT_TRUE(all.layer_kinds.empty());
  const Model some = read(small + ", moe-num-experts: 8, moe-expert-interval: 2}");
  EXPECT_TRUE(some.layer_kinds.at(0).sparse);
  EXPECT_FALSE(some.layer_kinds.at(1).sparse);
  EXPECT_FALSE(read(small + ", moe-num-experts: 1}").experts);
}

TEST(MegatronYaml, ReadsLlama) {
  const std::string text = R"(
num-layers: 32
hidden-size: 4096
ffn-hidden-size: 14336
num-attention-heads: 32
group-query-attention: true
num-query-groups: 8
max-position-embeddings: 131072
seq-length: 8192
position-embedding-type: rope
normalization: RMSNorm
swiglu: true
disable-bias-linear: true
untie-embeddings-and-output-weights: true
padded-vocab-size: 128256
tensor-model-parallel-size: 8
)";
  Model model = read(text);
  EXPECT_TRUE(model.attention.qkv_fused && model.ffn.gate_up_fused);
  model.attention.qkv_fused = model.ffn.gate_up_fused = false;  // Hugging Face runs Llama's apart
  expect_same(model, "llama-3.1-8b");
}

TEST(MegatronYaml, ReadsQwen3WithArgumentDashes) {
  Model model = read(R"({--num-layers: 28, --hidden-size: 1024, --ffn-hidden-size: 3072, --num-attention-heads: 16,
    --group-query-attention: true, --num-query-groups: 8, --kv-channels: 128, --qk-layernorm: true, --swiglu: true,
    --normalization: RMSNorm, --position-embedding-type: rope, --max-position-embeddings: 40960, --disable-bias-linear: true,
    --make-vocab-size-divisible-by: 1, --vocab-size: 151936})");
  model.attention.qkv_fused = model.ffn.gate_up_fused = false;
  expect_same(model, "qwen3-0.6b");
}

TEST(MegatronYaml, ReadsDeepseek) {
  Model model = read(R"({num-layers: 61, hidden-size: 7168, ffn-hidden-size: 18432, num-attention-heads: 128,
    max-position-embeddings: 163840, position-embedding-type: rope, normalization: RMSNorm, swiglu: true,
    disable-bias-linear: true, untie-embeddings-and-output-weights: true, multi-latent-attention: true, qk-layernorm: true,
    q-lora-rank: 1536, kv-lora-rank: 512, qk-head-dim: 128, qk-pos-emb-head-dim: 64, v-head-dim: 128,
    num-experts: 256, moe-router-topk: 8, moe-ffn-hidden-size: 2048, moe-shared-expert-intermediate-size: 2048,
    moe-layer-freq: '([0]*3+[1]*58)', padded-vocab-size: 129280})");
  model.attention.qkv_fused = model.ffn.gate_up_fused = false;
  expect_same(model, "deepseek-v3");
}

TEST(MegatronYaml, ReadsTheCoreConfigFile) {
  const Model model = read(R"(
language_model:
  num_layers: 24
  hidden_size: 1024
  num_attention_heads: 16
  num_query_groups: null
  ffn_hidden_size: null
  kv_channels: null
  add_bias_linear: False
  activation_func: swiglu
  num_moe_experts: null
position_embedding_type: learned_absolute
max_position_embeddings: 4096
untie_embeddings_and_output_weights: false
vocab_size: 50257
model_parallel_size: 8
)");
  EXPECT_EQ(model.ffn.width, 2688) << "8h/3 down to a multiple of 64";
  EXPECT_EQ(model.vocab, 51200) << "up to a multiple of 128 t: the vocabulary of the paper's figures";
  EXPECT_EQ(model.attention.kv_heads, 16);
  EXPECT_FALSE(model.ffn.bias || model.attention.qkv_bias);
}

TEST(MegatronYaml, GroupsWithoutANumberAreOne) {
  EXPECT_EQ(read(small + ", group-query-attention: true}").attention.kv_heads, 1);
  EXPECT_EQ(read(small + ", group-query-attention: false, num-query-groups: 4}").attention.kv_heads, 12);
  EXPECT_TRUE(read(small + ", disable-bias-linear: true, add-qkv-bias: true}").attention.qkv_bias);
}

TEST(NeoxYaml, NamesWhatIsWrong) {
  expect_problem("{hidden-size: 768}", {"key 'num_layers' is missing", "--layers"});
  expect_problem("{hidden-size: 0, num-layers: 1}", {"key 'hidden_size' = 0"});
  expect_problem("{hidden-size: many, num-layers: 1}", {"key 'hidden_size' = \"many\"", "whole number"});
  expect_problem("{hidden-size: 99999999999999999999}", {"key 'hidden_size'"});
  expect_problem("{hidden-size: 768, num-layers: 1000000000}", {"key 'num_layers' = 1000000000", "10000"});
  expect_problem(small + ", num-kv-heads: 5}", {"key 'num_kv_heads' = 5", "12 attention heads"});
  expect_problem(small + ", activation: mish}", {"key 'activation'", "mish", "swiglu"});
  expect_problem(small + ", norm: scalenorm}", {"key 'norm'", "scalenorm", "rmsnorm"});
  expect_problem(small + ", pos-emb: rpe}", {"key 'pos_emb'", "rpe", "rotary"});
  expect_problem(small + ", pos-emb: rotary, rotary-pct: 1.5}", {"key 'rotary_pct' = 1.5"});
  expect_problem(small + ", mlp-type: other}", {"key 'mlp_type'", "llama"});
  expect_problem(small + ", attention-config: [[[mamba], 12]]}", {"key 'attention_config'", "mamba"});
  expect_problem(small + ", use-qk-layernorm: true}", {"key 'use_qk_layernorm'"});
  expect_problem(small + ", hybrid-override-pattern: M-M-}", {"key 'hybrid_override_pattern'", "not supported"});
  expect_problem(small + ", num-unique-layers: 3}", {"key 'num_unique_layers' = 3"});
  expect_problem(small + ", num-experts: 4, moe-router-topk: 5}", {"key 'moe_router_topk' = 5", "of 4 experts"});
  expect_problem(small + ", num-experts: 4, moe-layer-freq: '[1]*11'}", {"key 'moe_layer_freq'", "12 entries"});
  expect_problem(small + ", multi-latent-attention: true}", {"key 'qk_layernorm' is missing"});
  expect_problem(small + ", hidden_size: 768}", {"key 'hidden_size' is given twice"});
  expect_problem("{num-layers: 1, hidden-size: 7, num-attention-heads: 2, vocab_size: 9}",
                 {"num_attention_heads", "hidden size 7"});
  expect_problem("{num-layers: 1, hidden-size: 8, num-attention-heads: 2, vocab_size: 9}",
                 {"key 'max_position_embeddings' is missing", "--max-positions"});
}

TEST(NeoxYaml, RefusesHostileText) {
  expect_problem("", {"no YAML document"});
  expect_problem("just words", {"string", "num-layers: 32"});
  expect_problem("[1, 2]", {"array"});
  expect_problem("a: 1\n---\nb: 2\n", {"more than one YAML document"});
  expect_problem("a: 1\nb: 2\na: 3\n", {"line 3", "key 'a' is given twice"});
  expect_problem("a: [1, 2", {"line 1", "bracket"});
  expect_problem("a: \"half", {"near line 1"});
  expect_problem("base: &b {x: 1}\nother:\n  <<: *b\n", {"line 3", "merge keys"});
  expect_problem("a: &a [*a]\n", {"line 1", "alias"});
  expect_problem("a: *nowhere\n", {"near line 1", "anchor"});
  expect_problem("a: " + std::string(500, '['), {"line 1", "bracket"});
  expect_problem("a: " + std::string(500, '[') + std::string(500, ']'), {"line 1", "nested deeper"});
  expect_problem(std::string(100'000, '{'), {"line 1", "bracket"});
  expect_problem("[1]: 2", {"line 1", "key"});
  expect_problem(std::string((1 << 20) + 1, ' '), {"1048577 bytes", "1 MiB"});
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  expect_problem(bomb, {"more than 100000 YAML values"});
  std::string long_text = "a: &a " + std::string(500'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) long_text += "*a, ";
  expect_problem(long_text + "*a]\n", {"more than 100000 YAML values"});
}

TEST(LayerPattern, EvaluatesMegatronsLists) {
  using List = std::vector<std::int64_t>;
  EXPECT_EQ(layer_pattern("[0]", 9), List({0}));
  EXPECT_EQ(layer_pattern("([0]*2 + [1]*3)", 9), List({0, 0, 1, 1, 1}));
  EXPECT_EQ(layer_pattern("([1]*2+[0,7])*2", 9), List({1, 1, 0, 7, 1, 1, 0, 7}));
  EXPECT_EQ(layer_pattern("[1]*0+[2]", 9), List({2}));
  for (const char* bad :
       {"", "1", "[", "[]", "[1", "[1]*", "[1]+", "([1]", "[1])", "[-1]", "[1]*-2", "[a]", "[1]*99999999999999999999"})
    EXPECT_FALSE(layer_pattern(bad, 9)) << bad;
  EXPECT_FALSE(layer_pattern("[1]*10", 9)) << "over the limit";
  EXPECT_FALSE(layer_pattern("([1]*9)+[1]", 9)) << "over the limit";
  EXPECT_FALSE(layer_pattern(std::string(100'000, '('), 9)) << "too deep";
}

}  // namespace
}  // namespace gemmetry::shape
