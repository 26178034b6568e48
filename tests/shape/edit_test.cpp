#include "gemmetry/shape/edit.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

namespace fs = std::filesystem;

void expect_error(const std::function<void()>& action, std::initializer_list<std::string> parts) {
  try {
    action();
    ADD_FAILURE() << "no error mentions " << *parts.begin();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string& part : parts)
      EXPECT_NE(message.find(part), std::string::npos) << part << " in: " << message;
  }
}

Model changed(const std::string& name, const std::function<void(ModelEdit&)>& set) {
  ModelEdit edit;
  set(edit);
  return edited(preset(name), edit);
}

TEST(Edit, OfNothingChangesNothing) {
  for (const std::string& name : preset_names()) EXPECT_EQ(edited(preset(name), {}), preset(name)) << name;
}

TEST(Edit, HeadDimensionFollowsTheHeads) {
  const Model model = changed("gpt3-2.7b", [](ModelEdit& e) { e.heads = 20; });
  EXPECT_EQ(model.attention.head_dim, 128);
  EXPECT_EQ(model.attention.value_dim, 128);
  EXPECT_EQ(model.attention.kv_heads, 20);
  EXPECT_EQ(count_parameters(model).total, count_parameters(preset("codesign-ours-1")).total);
}

TEST(Edit, WidthsFollowTheHiddenSize) {
  const Model model = changed("gpt3-2.7b", [](ModelEdit& e) { e.hidden = 4096; });
  EXPECT_EQ(model.attention.head_dim, 128);
  EXPECT_EQ(model.ffn.width, 16384);
  EXPECT_EQ(model.embedding_width, 4096);
  const Model gated = changed("llama-2-7b", [](ModelEdit& e) { e.hidden = 8192; });
  EXPECT_EQ(gated.ffn.width, 11008) << "only a width of 4h follows";
}

TEST(Edit, StatedHeadDimensionsStay) {
  const Model model = changed("qwen3-0.6b", [](ModelEdit& e) { e.heads = 8; });  // 16 heads of 128 over h = 1024
  EXPECT_EQ(model.attention.head_dim, 128);
  EXPECT_EQ(model.attention.kv_heads, 8);
  EXPECT_EQ(changed("gpt3-2.7b", [](ModelEdit& e) { e.head_dim = 64; }).attention.head_dim, 64);
}

TEST(Edit, RotatedPartKeepsItsShare) {
  EXPECT_EQ(changed("pythia-1b", [](ModelEdit& e) { e.heads = 16; }).attention.rotary_dim, 32);  // a quarter of 128
  EXPECT_EQ(changed("llama-2-7b", [](ModelEdit& e) { e.heads = 64; }).attention.rotary_dim, 64);
  EXPECT_EQ(changed("gpt3-2.7b", [](ModelEdit& e) { e.heads = 20; }).attention.rotary_dim, 0);
}

TEST(Edit, ChangesKinds) {
  const Model swiglu = changed("gpt3-2.7b", [](ModelEdit& e) {
    e.activation = "swiglu";
    e.ffn = 6912;
    e.norm = "rmsnorm";
    e.bias = false;
    e.tied = false;
    e.parallel_residual = true;
  });
  EXPECT_TRUE(swiglu.ffn.gated);
  EXPECT_EQ(swiglu.ffn.activation, Activation::silu);
  EXPECT_EQ(swiglu.ffn.width, 6912);
  EXPECT_EQ(swiglu.norm, NormKind::rms_norm);
  EXPECT_FALSE(swiglu.norm_bias || swiglu.ffn.bias || swiglu.attention.qkv_bias || swiglu.head.tied);
  EXPECT_TRUE(swiglu.parallel_residual);
  EXPECT_FALSE(changed("phi-2", [](ModelEdit& e) { e.parallel_residual = false; }).shared_norm);
  EXPECT_TRUE(changed("llama-2-7b", [](ModelEdit& e) { e.norm = "layernorm"; }).norm_bias);
}

TEST(Edit, ChangesPositions) {
  const Model rotary = changed("gpt3-2.7b", [](ModelEdit& e) { e.positions = "rotary"; });
  EXPECT_EQ(rotary.attention.rotary_dim, 80);
  EXPECT_EQ(rotary.position_rows, 0);
  EXPECT_EQ(changed("gpt3-2.7b", [](ModelEdit& e) { e.positions_max = 4096; }).position_rows, 4096);
  EXPECT_EQ(changed("opt-125m", [](ModelEdit& e) { e.positions_max = 4096; }).position_rows, 4098);
  const Model learned = changed("llama-2-7b", [](ModelEdit& e) { e.positions = "learned"; });
  EXPECT_EQ(learned.position_rows, 4096);
  EXPECT_EQ(learned.attention.rotary_dim, 0);
  expect_error([] { changed("bloom-560m", [](ModelEdit& e) { e.positions = "learned"; }); }, {"--max-positions"});
}

TEST(Edit, ChangesWindows) {
  EXPECT_EQ(changed("mistral-7b", [](ModelEdit& e) { e.window = 0; }).attention.window, 0);
  EXPECT_TRUE(layer_kind(changed("llama-2-7b", [](ModelEdit& e) { e.window = 512; }), 3).windowed);
  const Model gemma = changed("gemma-3-1b", [](ModelEdit& e) { e.window = 256; });
  EXPECT_TRUE(gemma.layer_kinds.at(0).windowed);
  EXPECT_FALSE(gemma.layer_kinds.at(5).windowed);
  EXPECT_EQ(gemma.attention.window, 256);
}

TEST(Edit, ChangesLayersAndExperts) {
  const Model model = changed("deepseek-v3", [](ModelEdit& e) { e.layers = 64; });
  EXPECT_FALSE(model.layer_kinds.at(2).sparse);
  EXPECT_TRUE(model.layer_kinds.at(63).sparse);
  const Model mixtral = changed("mixtral-8x7b", [](ModelEdit& e) { e.experts = 16; });
  EXPECT_EQ(mixtral.experts->count, 16);
  EXPECT_EQ(mixtral.experts->active, 2);
  const Model grown = changed("llama-2-7b", [](ModelEdit& e) {
    e.experts = 8;
    e.experts_active = 2;
    e.expert_width = 4096;
  });
  EXPECT_TRUE(layer_kind(grown, 0).sparse);
  expect_error([] { changed("llama-2-7b", [](ModelEdit& e) { e.experts = 8; }); },
               {"--experts-active", "--expert-width"});
  expect_error([] { changed("mixtral-8x7b", [](ModelEdit& e) { e.experts_active = 9; }); }, {"active experts = 9"});
}

TEST(Edit, NamesTheOptionThatIsWrong) {
  expect_error([] { changed("gpt3-2.7b", [](ModelEdit& e) { e.heads = 0; }); }, {"--heads 0"});
  expect_error([] { changed("gpt3-2.7b", [](ModelEdit& e) { e.hidden = -1; }); }, {"--hidden -1"});
  expect_error([] { changed("gpt3-2.7b", [](ModelEdit& e) { e.ffn = INT64_MAX; }); }, {"--ffn 9223372036854775807"});
  expect_error([] { changed("gpt3-2.7b", [](ModelEdit& e) { e.layers = 1'000'000'000; }); }, {"layers L = 1000000000"});
  expect_error([] { changed("gpt3-2.7b", [](ModelEdit& e) { e.heads = 24; }); }, {"2560", "24 heads", "--head-dim"});
  expect_error([] { changed("llama-2-7b", [](ModelEdit& e) { e.activation = "swiglo"; }); },
               {"'swiglo'", "did you mean 'swiglu'"});
  expect_error([] { changed("llama-2-7b", [](ModelEdit& e) { e.norm = "batch"; }); },
               {"'batch'", "layernorm, rmsnorm"});
  expect_error([] { changed("llama-2-7b", [](ModelEdit& e) { e.positions = "rope"; }); }, {"'rope'", "rotary"});
  expect_error([] { changed("deepseek-v3", [](ModelEdit& e) { e.head_dim = 64; }); }, {"--head-dim 64", "latent"});
  expect_error([] { changed("llama-3.1-8b", [](ModelEdit& e) { e.kv_heads = 5; }); }, {"32", "5 KV heads"});
}

TEST(Flags, MakeThePapersModel) {
  ModelEdit edit;
  edit.hidden = 2560;
  edit.layers = 32;
  edit.heads = 32;
  edit.vocab = 50257;
  Model model = model_from_flags(edit);
  EXPECT_EQ(model.name, "custom");
  EXPECT_TRUE(is_paper_model(model));
  const auto exact = static_cast<double>(count_parameters(model).total);
  EXPECT_NEAR(exact, paper_parameters(model), 1e-4 * exact);
  EXPECT_EQ(count_parameters(model).total, count_parameters(preset("gpt3-2.7b")).total);
  edit.kv_heads = 8;
  edit.activation = "swiglu";
  edit.ffn = 6912;
  model = model_from_flags(edit);
  EXPECT_EQ(model.attention.kv_heads, 8);
  EXPECT_TRUE(model.ffn.gated);
}

TEST(Flags, SizesNeverDefault) {
  ModelEdit edit;
  edit.hidden = 2560;
  edit.heads = 32;
  expect_error([&] { model_from_flags(edit); }, {"--layers, --vocab"});
  edit.layers = 2;
  edit.vocab = 100;
  edit.heads = 24;
  expect_error([&] { model_from_flags(edit); }, {"--hidden 2560", "--heads 24", "--head-dim"});
}

class Load : public ::testing::Test {
 protected:
  Load() : folder_(fs::temp_directory_path() / ("gemmetry_load_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_ / "my-llama");
  }
  ~Load() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  fs::path folder_;
};

const std::string llama =
    R"({"model_type": "llama", "hidden_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4,
                              "vocab_size": 1000, "intermediate_size": 512})";

TEST_F(Load, FindsPresetsFilesAndFolders) {
  EXPECT_EQ(load_model("gpt3-2.7b").hidden, 2560);
  const std::string config = write("my-llama/config.json", llama);
  EXPECT_EQ(load_model(config).hidden, 256);
  EXPECT_EQ(load_model(config).name, "my-llama");
  EXPECT_EQ(load_model((folder_ / "my-llama").string()), load_model(config));
  EXPECT_EQ(load_model(write("small.json", llama)).name, "small");
  const std::string yaml =
      write("small.yml", "{num-layers: 2, hidden-size: 256, num-attention-heads: 4, pos-emb: alibi}");
  ModelEdit edit;
  edit.vocab = 1000;
  EXPECT_EQ(load_model(yaml, edit).vocab, 1000);
  EXPECT_EQ(load_model(yaml, edit).name, "small");
  edit.heads = 8;
  EXPECT_EQ(load_model("gpt3-2.7b", edit).attention.head_dim, 320);
  EXPECT_EQ(load_model(config, edit).attention.head_dim, 32);
}

TEST_F(Load, NamesWhatItCannotFind) {
  expect_error([] { load_model("gpt3-2.7"); }, {"'gpt3-2.7'", "neither", "did you mean 'gpt3-2.7b'"});
  expect_error([] { load_model("/nowhere/at/all.json"); }, {"'/nowhere/at/all.json'", "neither", "gemmetry models"});
  expect_error([] { load_model(""); }, {"''", "neither"});
  expect_error([&] { load_model(folder_.string()); }, {folder_.string(), "no config.json"});
  expect_error([&] { load_model(write("bad.json", "{")); }, {"bad.json", "JSON"});
  expect_error([&] { load_model(write("bad.yaml", "a: [")); }, {"bad.yaml", "line 1"});
  expect_error([] { load_model(std::string(100'000, 'x')); }, {"xxx"});
}

}  // namespace
}  // namespace gemmetry::shape
