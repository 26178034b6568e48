#include "gemmetry/shape/model.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"

namespace gemmetry::shape {
namespace {

constexpr LayerKind full{.windowed = false, .sparse = false, .rotary = true};
constexpr LayerKind windowed{.windowed = true, .sparse = false, .rotary = true};

/// A valid small model of the paper's kind.
Model small() {
  Model model;
  model.name = "small";
  model.hidden = 64;
  model.layers = 4;
  model.vocab = 100;
  model.embedding_width = 64;
  model.attention = {.heads = 4, .kv_heads = 4, .head_dim = 16, .value_dim = 16};
  model.ffn.width = 256;
  return model;
}

std::string complaint(const Model& model) {
  try {
    validate(model);
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(Model, LayersAlikeFollowWindowAndExperts) {
  Model model = small();
  EXPECT_EQ(layer_kind(model, 3), full);
  model.attention.window = 8;
  EXPECT_EQ(layer_kind(model, 3), windowed);
  const auto groups = layer_groups(model);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].count, 4);
}

TEST(Model, GroupsInOrderOfAppearance) {
  Model model = small();
  model.layer_kinds = {windowed, full, windowed, windowed};
  const auto groups = layer_groups(model);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].kind, windowed);
  EXPECT_EQ(groups[0].count, 3);
  EXPECT_EQ(groups[1].count, 1);
}

TEST(Model, MoreLayersGoOnWithThePeriod) {
  Model model = small();
  model.layer_kinds = {windowed, windowed, full, windowed, windowed};
  model.layers = 5;
  set_layers(model, 9);
  const std::vector<LayerKind> wanted{windowed, windowed, full, windowed, windowed, full, windowed, windowed, full};
  EXPECT_EQ(model.layer_kinds, wanted);
  EXPECT_EQ(model.layers, 9);
}

TEST(Model, MoreLayersDoNotRepeatThePrefix) {
  const LayerKind sparse{.sparse = true};
  Model model = small();
  model.layer_kinds = {full, full, full, sparse, sparse};
  set_layers(model, 7);
  EXPECT_EQ(model.layer_kinds, (std::vector<LayerKind>{full, full, full, sparse, sparse, sparse, sparse}));
}

TEST(Model, FewerLayersCutThePattern) {
  Model model = small();
  model.layer_kinds = {windowed, full, windowed, full};
  set_layers(model, 3);
  EXPECT_EQ(model.layer_kinds, (std::vector<LayerKind>{windowed, full, windowed}));
  set_layers(model, 0);
  EXPECT_NE(complaint(model).find("layers L = 0"), std::string::npos);
}

TEST(Model, ValidNamesWhatIsWrong) {
  EXPECT_EQ(complaint(small()), "");
  struct Case {
    void (*spoil)(Model&);
    std::string said;
  };
  const std::vector<Case> cases{
      {[](Model& m) { m.hidden = 0; }, "hidden size h = 0"},
      {[](Model& m) { m.layers = 10'001; }, "layers L = 10001: must be from 1 to 10000"},
      {[](Model& m) { m.vocab = -5; }, "vocabulary v = -5"},
      {[](Model& m) { m.vocab = (std::int64_t{1} << 40) + 1; }, "2^40"},
      {[](Model& m) { m.attention.kv_heads = 3; }, "heads a = 4 cannot share 3 KV heads"},
      {[](Model& m) { m.attention = {.heads = 5, .kv_heads = 5}; }, "does not divide into 5 heads"},
      {[](Model& m) { m.attention.value_dim = 0; }, "value head dimension = 0"},
      {[](Model& m) { m.attention.rotary_dim = 17; }, "rotary dimension = 17: must be from 0 to 16"},
      {[](Model& m) { m.attention.window = -1; }, "window = -1"},
      {[](Model& m) { m.ffn.width = 0; }, "FFN width = 0"},
      {[](Model& m) { m.embedding_width = 0; }, "embedding width = 0"},
      {[](Model& m) { m.layer_kinds = {full}; }, "1 layer kinds for 4 layers"},
      {[](Model& m) {
         m.layer_kinds = {full, full, windowed, full};
       },
       "without a window"},
      {[](Model& m) { m.layer_kinds.assign(4, {.sparse = true}); }, "without experts"},
      {[](Model& m) { m.experts = Experts{.count = 4, .active = 5, .width = 8}; }, "active experts = 5"},
      {[](Model& m) { m.attention.latent = LatentAttention{.kv_rank = 8, .nope_dim = 8, .rope_dim = 4}; },
       "not the sum"},
      {[](Model& m) { m.hidden = m.vocab = m.embedding_width = m.ffn.width = std::int64_t{1} << 40; }, "2^63"},
  };
  for (const Case& c : cases) {
    Model model = small();
    c.spoil(model);
    const std::string said = complaint(model);
    EXPECT_NE(said.find(c.said), std::string::npos) << "'" << c.said << "' not in '" << said << "'";
  }
}

TEST(Model, ThePapersModel) {
  EXPECT_TRUE(is_paper_model(small()));
  Model grouped = small();
  grouped.attention.kv_heads = 2;
  EXPECT_FALSE(is_paper_model(grouped));
  Model gated = small();
  gated.ffn.gated = true;
  EXPECT_FALSE(is_paper_model(gated));
  Model narrow = small();
  narrow.ffn.width = 255;
  EXPECT_FALSE(is_paper_model(narrow));
}

}  // namespace
}  // namespace gemmetry::shape
