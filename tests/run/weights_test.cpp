#include "gemmetry/run/weights.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/rounding.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/shape/parameters.h"
#include "run/stored.h"
#include "run/tiny.h"
#include "scratch.h"

namespace gemmetry::run {
namespace {

using nlohmann::json;
using shape::Dtype;
using WeightsTest = Tiny;

/// One layer of two heads: few enough numbers to be written down.
shape::Model small(const std::string& family, const json& keys = json::object()) {
  json config{
      {"model_type", family},    {"hidden_size", 4},       {"num_hidden_layers", 1}, {"num_attention_heads", 2},
      {"vocab_size", 5},         {"intermediate_size", 3}, {"n_inner", 3},           {"max_position_embeddings", 6},
      {"num_key_value_heads", 1}};
  config.update(keys);
  return shape::model_from_hf_config(config.dump(), family);
}

/// `count` numbers from `first` upwards.
std::vector<float> counted(std::int64_t count, float first) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = first++;
  return values;
}

/// Tensors by name and shape; tensor i holds 1000 i, 1000 i + 1, ...
struct Named {
  std::string name;
  std::vector<std::int64_t> shape;
};

StoredFile file_of(const std::vector<Named>& tensors) {
  StoredFile file;
  float first = 0;
  for (const auto& [name, shape] : tensors) {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    file.add(name, shape, counted(count, first));
    first += 1000;
  }
  return file;
}

std::vector<Named> llama() {
  const std::string layer = "model.layers.0.";
  return {{"model.embed_tokens.weight", {5, 4}},
          {layer + "input_layernorm.weight", {4}},
          {layer + "self_attn.q_proj.weight", {4, 4}},
          {layer + "self_attn.k_proj.weight", {2, 4}},
          {layer + "self_attn.v_proj.weight", {2, 4}},
          {layer + "self_attn.o_proj.weight", {4, 4}},
          {layer + "post_attention_layernorm.weight", {4}},
          {layer + "mlp.gate_proj.weight", {3, 4}},
          {layer + "mlp.up_proj.weight", {3, 4}},
          {layer + "mlp.down_proj.weight", {4, 3}},
          {"model.norm.weight", {4}},
          {"lm_head.weight", {5, 4}}};
}

std::vector<Named> gpt2() {
  const std::string layer = "transformer.h.0.";
  return {{"transformer.wte.weight", {5, 4}},
          {"transformer.wpe.weight", {6, 4}},
          {layer + "ln_1.weight", {4}},
          {layer + "ln_1.bias", {4}},
          {layer + "attn.c_attn.weight", {4, 12}},
          {layer + "attn.c_attn.bias", {12}},
          {layer + "attn.c_proj.weight", {4, 4}},
          {layer + "attn.c_proj.bias", {4}},
          {layer + "ln_2.weight", {4}},
          {layer + "ln_2.bias", {4}},
          {layer + "mlp.c_fc.weight", {4, 3}},
          {layer + "mlp.c_fc.bias", {3}},
          {layer + "mlp.c_proj.weight", {3, 4}},
          {layer + "mlp.c_proj.bias", {4}},
          {"transformer.ln_f.weight", {4}},
          {"transformer.ln_f.bias", {4}},
          {layer + "attn.bias", {1, 1, 6, 6}}};
}

class Loaded {
 public:
  Loaded(measure::Backend& backend, const shape::Model& model, const StoredFile& file, Dtype dtype = Dtype::fp32)
      : backend_(backend),
        weights_(Weights::load(backend, model, dtype, Safetensors(scratch_.write("model.safetensors", file.text())))) {}

  std::vector<double> values(const std::string& array, std::int64_t first, std::int64_t count) const {
    std::vector<double> values(static_cast<std::size_t>(count));
    measure::require(
        backend_.read(weights_.at(array, first), measure::element_of(weights_.dtype()), nullptr, count, values.data()));
    return values;
  }

 private:
  Scratch scratch_;
  measure::Backend& backend_;
  Weights weights_;
};

TEST_F(WeightsTest, ProjectionsAreLaidOneUnderTheOther) {
  const Loaded loaded(*backend, small("llama"), file_of(llama()));
  EXPECT_EQ(loaded.values("layers.0.qkv.weight", 12, 6), (std::vector<double>{2012, 2013, 2014, 2015, 3000, 3001}));
  EXPECT_EQ(loaded.values("layers.0.qkv.weight", 24, 2), (std::vector<double>{4000, 4001})) << "values";
  EXPECT_EQ(loaded.values("layers.0.gate_up.weight", 11, 2), (std::vector<double>{7011, 8000}));
  EXPECT_EQ(loaded.values("head.weight", 0, 1)[0], 11000);
}

TEST_F(WeightsTest, FilesOfBareModelsGoWithoutPrefix) {
  std::vector<Named> bare = llama();
  bare.pop_back();
  for (Named& tensor : bare) tensor.name.erase(0, std::string("model.").size());
  const shape::Model tied = small("llama", {{"tie_word_embeddings", true}});
  EXPECT_EQ(Loaded(*backend, tied, file_of(bare)).values("final_norm.weight", 0, 1)[0], 10000);
}

TEST_F(WeightsTest, Gpt2StoresInByOut) {
  const Loaded loaded(*backend, small("gpt2"), file_of(gpt2()));
  EXPECT_EQ(loaded.values("layers.0.up.weight", 0, 5), (std::vector<double>{10000, 10003, 10006, 10009, 10001}));
  EXPECT_EQ(loaded.values("layers.0.qkv.bias", 0, 12)[11], 5011);
  EXPECT_EQ(loaded.values("positions.weight", 0, 2)[1], 1001) << "tables are as they are";
}

TEST_F(WeightsTest, GptNeoxStoresHeadByHead) {
  const std::string layer = "gpt_neox.layers.0.";
  const StoredFile file = file_of({{layer + "attention.query_key_value.weight", {12, 4}},
                                   {layer + "attention.query_key_value.bias", {12}},
                                   {"gpt_neox.embed_in.weight", {5, 4}},
                                   {layer + "input_layernorm.weight", {4}},
                                   {layer + "input_layernorm.bias", {4}},
                                   {layer + "post_attention_layernorm.weight", {4}},
                                   {layer + "post_attention_layernorm.bias", {4}},
                                   {layer + "attention.dense.weight", {4, 4}},
                                   {layer + "attention.dense.bias", {4}},
                                   {layer + "mlp.dense_h_to_4h.weight", {3, 4}},
                                   {layer + "mlp.dense_h_to_4h.bias", {3}},
                                   {layer + "mlp.dense_4h_to_h.weight", {4, 3}},
                                   {layer + "mlp.dense_4h_to_h.bias", {4}},
                                   {"gpt_neox.final_layer_norm.weight", {4}},
                                   {"gpt_neox.final_layer_norm.bias", {4}},
                                   {"embed_out.weight", {5, 4}}});
  const Loaded loaded(*backend, small("gpt_neox", {{"rotary_pct", 1.0}}), file);
  // Rows q0 q1 k0 k1 v0 v1 of head 0, then of head 1: queries are rows 0, 1, 6, 7.
  EXPECT_EQ(loaded.values("layers.0.qkv.bias", 0, 12),
            (std::vector<double>{1000, 1001, 1006, 1007, 1002, 1003, 1008, 1009, 1004, 1005, 1010, 1011}));
  EXPECT_EQ(loaded.values("layers.0.qkv.weight", 8, 1)[0], 24) << "third query row: row 6 of the file";
}

TEST_F(WeightsTest, AreRoundedToNearestEven) {
  StoredFile file = file_of(llama());
  // Between neighbours 1 and 1 + 2^-7 of bf16: half goes to the even one, more than half up.
  file.add("model.norm.weight", {4}, {1 + 1.0f / 256, 1 + 3.0f / 256, 1 + 1.0f / 256 + 1.0f / 65536, -1 - 3.0f / 256});
  const Loaded loaded(*backend, small("llama"), file, Dtype::bf16);
  EXPECT_EQ(loaded.values("final_norm.weight", 0, 4),
            (std::vector<double>{1, 1 + 2.0 / 128, 1 + 1.0 / 128, -1 - 2.0 / 128}));
}

std::string problem(measure::Backend& backend, const shape::Model& model, const StoredFile& file) {
  try {
    const Loaded loaded(backend, model, file);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(WeightsTest, AConfigThatDoesNotMatchIsSaid) {
  const auto expect = [&](const shape::Model& model, const std::vector<Named>& tensors, const std::string& says) {
    const std::string message = problem(*backend, model, file_of(tensors));
    EXPECT_NE(message.find(says), std::string::npos) << message;
    EXPECT_NE(message.find("model.safetensors"), std::string::npos) << message;
  };
  expect(small("llama", {{"intermediate_size", 7}}), llama(),
         "tensor 'model.layers.0.mlp.gate_proj.weight' is [3, 4], but the config asks for [7, 4]");
  expect(small("gpt2", {{"n_inner", 7}}), gpt2(),
         "tensor 'transformer.h.0.mlp.c_fc.weight' is [4, 3], but the config asks for [4, 7]");
  expect(small("llama", {{"num_hidden_layers", 2}}), llama(),
         "tensor 'model.layers.1.input_layernorm.weight' is missing");
  expect(small("qwen3", {{"head_dim", 2}, {"num_key_value_heads", 1}}), llama(), "self_attn.q_norm.weight' is missing");
  std::vector<Named> more = llama();
  more.push_back({"model.layers.1.input_layernorm.weight", {4}});
  expect(small("llama"), more, "tensor 'model.layers.1.input_layernorm.weight' [4] has no place");
  std::vector<Named> biased = llama();
  biased.push_back({"model.layers.0.self_attn.q_proj.bias", {4}});
  expect(small("llama"), biased, "self_attn.q_proj.bias' [4] has no place");
}

TEST_F(WeightsTest, OtherFamiliesCannotBeRead) {
  const std::string message = problem(*backend, small("olmo2"), file_of(llama()));
  EXPECT_NE(message.find("family 'olmo2' cannot be read yet"), std::string::npos) << message;
}

TEST_F(WeightsTest, RandomOnesAreTheirSeeds) {
  const shape::Model model = small("llama");
  const auto first = [&](std::uint64_t seed) {
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, seed);
    double value = 0;
    measure::require(backend->read(weights.at("layers.0.down.weight"), measure::Element::fp32, nullptr, 1, &value));
    return value;
  };
  EXPECT_EQ(first(1), first(1));
  EXPECT_NE(first(1), first(2));
  EXPECT_LE(std::abs(first(1)), 1) << "sqrt(3 / 3)";
}

TEST(WeightArrays, AreAllOfTheModelsParameters) {
  for (const char* name :
       {"gpt2", "pythia-410m", "opt-125m", "llama-3.1-8b", "qwen3-0.6b", "qwen2.5-7b", "mistral-7b"}) {
    const shape::Model model = shape::preset(name);
    std::int64_t elements = 0;
    for (const WeightArray& array : weight_arrays(model)) elements += array.random.scale == 0 ? 0 : array.elements();
    EXPECT_EQ(elements, shape::count_parameters(model).total) << name;
  }
}

}  // namespace
}  // namespace gemmetry::run
