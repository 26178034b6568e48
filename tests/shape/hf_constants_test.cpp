#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;
using Kind = RotaryScaling::Kind;

Constants read(const std::string& family, const json& keys = json::object()) {
  json config{{"model_type", family}, {"hidden_size", 64},        {"num_hidden_layers", 2},
              {"vocab_size", 100},    {"num_attention_heads", 4}, {"num_key_value_heads", 2}};
  config.update(keys);
  return model_from_hf_config(config.dump(), "config.json").constants;
}

TEST(HfConstants, EpsilonIsTheConfigsOrTheFamilys) {
  EXPECT_EQ(read("llama").norm_epsilon, 1e-6);
  EXPECT_EQ(read("llama", {{"rms_norm_eps", 1e-5}}).norm_epsilon, 1e-5);
  EXPECT_EQ(read("gpt_neox", {{"layer_norm_eps", 2e-5}}).norm_epsilon, 2e-5);
  EXPECT_EQ(read("gpt2", {{"layer_norm_epsilon", 3e-5}}).norm_epsilon, 3e-5);
  EXPECT_EQ(read("olmo2").norm_epsilon, 1e-5);
  EXPECT_EQ(read("opt").norm_epsilon, 1e-5);
  EXPECT_THROW(read("llama", {{"rms_norm_eps", -1}}), Error);
}

TEST(HfConstants, RotaryBaseStandsInSeveralPlaces) {
  EXPECT_EQ(read("llama").rotary_base, 10000);
  EXPECT_EQ(read("llama", {{"rope_theta", 5e5}}).rotary_base, 5e5);
  EXPECT_EQ(read("gpt_neox", {{"rotary_emb_base", 25000}}).rotary_base, 25000);
  EXPECT_EQ(read("llama", {{"rope_parameters", {{"rope_theta", 1e6}, {"rope_type", "default"}}}}).rotary_base, 1e6);
  EXPECT_FALSE(read("llama", {{"rope_parameters", {{"rope_type", "default"}}}}).rotary_scaling);
}

TEST(HfConstants, ReadsScalingsThatCanBeRunAndMarksOthers) {
  const auto scaling = [](const json& keys) { return *read("llama", {{"rope_scaling", keys}}).rotary_scaling; };
  EXPECT_EQ(scaling({{"type", "linear"}, {"factor", 4}}), (RotaryScaling{.kind = Kind::linear, .factor = 4}));
  const RotaryScaling llama3 = scaling({{"rope_type", "llama3"},
                                        {"factor", 8},
                                        {"low_freq_factor", 1},
                                        {"high_freq_factor", 4},
                                        {"original_max_position_embeddings", 4096}});
  EXPECT_EQ(llama3.kind, Kind::llama3);
  EXPECT_EQ(llama3.original_positions, 4096);
  EXPECT_EQ(scaling({{"rope_type", "yarn"}, {"factor", 8}}).kind, Kind::other);
}

TEST(HfConstants, KnowsWhichGeluIsItsTanhForm) {
  EXPECT_TRUE(read("gpt2").gelu_tanh);
  EXPECT_FALSE(read("gpt2", {{"activation_function", "gelu"}}).gelu_tanh);
  EXPECT_FALSE(read("gpt_neox").gelu_tanh);
  EXPECT_TRUE(read("gpt_neox", {{"hidden_act", "gelu_fast"}}).gelu_tanh);
  EXPECT_FALSE(read("llama").gelu_tanh) << "no GELU";
}

TEST(HfConstants, OptBeginsAtTheThirdPosition) {
  EXPECT_EQ(read("opt").position_offset, 2);
  EXPECT_EQ(read("gpt2").position_offset, 0);
}

}  // namespace
}  // namespace gemmetry::shape
