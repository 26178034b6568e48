#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"
#include "shape/hf_cases.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;

/// What the importer says against the text; empty if it takes it.
std::string complaint(const std::string& text) {
  try {
    model_from_hf_config(text, "config.json");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

/// The complaint is one line, begins with the source, and has all the parts.
void expect_complaint(const std::string& text, const std::vector<std::string>& parts) {
  const std::string said = complaint(text);
  EXPECT_EQ(said.rfind("config.json: ", 0), 0u) << text << "\n" << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  for (const std::string& part : parts)
    EXPECT_NE(said.find(part), std::string::npos) << "'" << part << "' not in: " << said;
}

json llama() {
  return {{"model_type", "llama"},    {"hidden_size", 64}, {"num_hidden_layers", 4},  {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"vocab_size", 100}, {"intermediate_size", 128}};
}

/// The llama config with one key changed.
std::string llama_with(const std::string& key, const json& value) {
  json config = llama();
  config[key] = value;
  return config.dump();
}

TEST(HfErrors, TheBaseConfigIsFine) { EXPECT_EQ(complaint(llama().dump()), ""); }

TEST(HfErrors, SizesNeverDefault) {
  for (const json& c : test::hf_cases()) {
    if (c["split"] != "public") continue;
    SCOPED_TRACE(c["name"].get<std::string>());
    int sizes = 0;
    for (const char* key : {"hidden_size", "n_embd", "d_model", "num_hidden_layers", "n_layer", "n_layers",
                            "num_layers", "num_attention_heads", "n_head", "n_heads", "num_heads", "vocab_size"}) {
      if (!c["config"].contains(key)) continue;
      ++sizes;
      json without = c["config"];
      without.erase(key);
      expect_complaint(without.dump(), {"key '" + std::string(key) + "' is missing", "sizes have no default"});
    }
    EXPECT_EQ(sizes, 4);
  }
}

TEST(HfErrors, AMissingSizeNamesItsOtherSpelling) {
  expect_complaint(R"({"model_type": "gpt2", "n_layer": 2, "n_head": 2, "vocab_size": 10})",
                   {"'n_embd'", "'hidden_size'"});
}

TEST(HfErrors, BadSizes) {
  for (const char* key : {"hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size",
                          "num_key_value_heads", "head_dim"}) {
    const std::string named = "key '" + std::string(key) + "'";
    for (const json& bad : {json(0), json(-64), json(1.5), json("64"), json(true), json::array({64}), json::object(),
                            json(std::int64_t{1} << 41), json(18446744073709551615u), json(1e300)})
      expect_complaint(llama_with(key, bad), {named, "expected a whole number from 1 to"});
  }
  expect_complaint(llama_with("num_hidden_layers", 10'001), {"'num_hidden_layers' = 10001", "10000"});
}

TEST(HfErrors, SizesTooLargeTogether) {
  const std::int64_t most = std::int64_t{1} << 40;
  EXPECT_EQ(complaint(llama_with("vocab_size", most)), "");  // 2^46 parameters can be counted
  json huge = llama();
  for (const char* key :
       {"hidden_size", "vocab_size", "num_attention_heads", "num_key_value_heads", "intermediate_size"})
    huge[key] = most;
  expect_complaint(huge.dump(), {"2^63"});
}

TEST(HfErrors, HeadsThatDoNotDivide) {
  expect_complaint(llama_with("num_attention_heads", 6), {"'num_attention_heads' = 6", "hidden_size", "64"});
  expect_complaint(llama_with("num_key_value_heads", 3), {"'num_key_value_heads' = 3", "4 attention heads"});
  json config = llama();
  config["model_type"] = "mistral";
  config.erase("num_key_value_heads");
  expect_complaint(config.dump(), {"'num_key_value_heads' is missing", "8 do not divide the 4 attention heads"});
}

TEST(HfErrors, ListsOfAnotherLength) {
  json config = llama();
  config["model_type"] = "gemma2";
  config["layer_types"] = {"sliding_attention", "full_attention", "full_attention"};
  expect_complaint(config.dump(), {"'layer_types'", "3 entries for 4 layers"});
  expect_complaint(llama_with("layer_types", json::array({"full_attention"})),
                   {"'layer_types'", "1 entries for 4 layers"});
  config["layer_types"] = json::array();
  expect_complaint(config.dump(), {"'layer_types'", "0 entries for 4 layers"});
  config["layer_types"] = {"sliding_attention", "full_attention", "full_attention", "mamba"};
  expect_complaint(config.dump(), {"'layer_types'", "'sliding_attention'"});
  config["layer_types"] = {1, 2, 3, 4};
  expect_complaint(config.dump(), {"'layer_types'"});
  config["layer_types"] = "full_attention";
  expect_complaint(config.dump(), {"'layer_types'", "expected a list"});
}

TEST(HfErrors, GptNeoAttentionTypes) {
  json config = {
      {"model_type", "gpt_neo"}, {"hidden_size", 64}, {"num_layers", 4}, {"num_heads", 4}, {"vocab_size", 100}};
  EXPECT_EQ(complaint(config.dump()), "");
  config["attention_types"] = {{{"global", "local"}, 3}};
  expect_complaint(config.dump(), {"'attention_types'", "has 4"});
  config["attention_types"] = json::array({json::array({json::array({"global"}), std::int64_t{1} << 62})});
  expect_complaint(config.dump(), {"'attention_types'", "or more"});
  config["attention_types"] = {{{"global", "sparse"}, 2}};
  expect_complaint(config.dump(), {"'attention_types'", "'local'"});
  for (const char* bad : {"[1]", "[[]]", "[[[], 5]]", "[[[\"global\"], \"x\"]]", "{}", "[[[\"global\"]]]"}) {
    config["attention_types"] = json::parse(bad);
    expect_complaint(config.dump(), {"'attention_types'"});
  }
}

TEST(HfErrors, NoRopeLayers) {
  json config = llama();
  config["model_type"] = "smollm3";
  config["no_rope_layers"] = {1, 1, 1};
  expect_complaint(config.dump(), {"'no_rope_layers'", "3 entries for 4 layers"});
  config["no_rope_layers"] = {1, 1, 1, 2};
  expect_complaint(config.dump(), {"'no_rope_layers'", "expected 1"});
}

TEST(HfErrors, Experts) {
  json config = llama();
  config.update({{"model_type", "mixtral"}, {"num_local_experts", 4}, {"num_experts_per_tok", 5}});
  expect_complaint(config.dump(), {"'num_experts_per_tok' = 5", "5 of 4 experts"});
  config["model_type"] = "deepseek_v2";
  config.erase("num_experts_per_tok");
  expect_complaint(config.dump(), {"'num_experts_per_tok' is missing"});
  config.update({{"num_experts_per_tok", 1}, {"n_shared_experts", std::int64_t{1} << 39}});
  expect_complaint(config.dump(), {"'n_shared_experts'", "2^40"});
}

TEST(HfErrors, OtherKeys) {
  expect_complaint(llama_with("hidden_act", "siluu"), {"'hidden_act' = \"siluu\"", "did you mean 'silu'", "gelu_new"});
  expect_complaint(llama_with("hidden_act", 3), {"'hidden_act' = 3", "expected a string"});
  expect_complaint(llama_with("attention_bias", "yes"), {"'attention_bias'", "true or false"});
  expect_complaint(llama_with("tie_word_embeddings", 1), {"'tie_word_embeddings'", "true or false"});
  expect_complaint(llama_with("architectures", "LlamaModel"), {"'architectures'", "expected a list"});
  expect_complaint(llama_with("architectures", json::array({1})), {"'architectures'"});
  expect_complaint(llama_with("is_encoder_decoder", true), {"'is_encoder_decoder'", "not supported"});
  expect_complaint(llama_with("per_layer_config", {{"0", {{"hidden_size", 3}}}}),
                   {"'per_layer_config'", "not supported"});
  json config = llama();
  config.update({{"model_type", "phi3"}, {"partial_rotary_factor", 1.5}});
  expect_complaint(config.dump(), {"'partial_rotary_factor' = 1.5"});
  config["rope_scaling"] = "none";
  expect_complaint(config.dump(), {"rope_scaling"});
}

TEST(HfErrors, UnknownFamilies) {
  expect_complaint(llama_with("model_type", "lama"), {"'model_type' = \"lama\"", "nearest is 'llama'", "--hidden"});
  expect_complaint(llama_with("model_type", "qwen2_5_vl"), {"nearest is 'qwen2'"});
  expect_complaint(llama_with("model_type", "rwkv"), {"unknown family;", "llama", "--hidden"});
  expect_complaint(llama_with("model_type", 7), {"'model_type' = 7", "expected a string"});
  json config = llama();
  config.erase("model_type");
  expect_complaint(config.dump(), {"'model_type' is missing", "llama"});
}

TEST(HfErrors, Wrappers) {
  expect_complaint(R"({"model_type": "gemma3", "text_config": 3})", {"'text_config'"});
  expect_complaint(R"({"model_type": "gemma3", "text_config": {}})", {"'text_config.model_type' is missing"});
  expect_complaint(R"({"model_type": "x", "text_config": {"model_type": "mamba"}})", {"'text_config.model_type'"});
  expect_complaint(R"({"model_type": "x", "text_config": {"model_type": "llama"}})",
                   {"'text_config.hidden_size' is missing"});
}

TEST(HfErrors, NotAConfig) {
  for (const char* text : {"", "{", "[]", "3", "null", "\"x\"", "{\"model_type\": \"llama\",}",
                           "{\"hidden_size\": NaN}", "\xff\xfe", "{\"a\": 1e999}"})
    expect_complaint(text, {});
  expect_complaint(std::string(200, '['), {"nested deeper"});
}

}  // namespace
}  // namespace gemmetry::shape
