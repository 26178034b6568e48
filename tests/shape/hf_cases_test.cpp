#include "shape/hf_cases.h"

#include <gtest/gtest.h>

#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;

Model read(const json& config) { return model_from_hf_config(config.dump(), "config.json"); }

TEST(HfCases, EveryFamilyIsThere) {
  const json& cases = test::hf_cases();
  std::int64_t given = 0;
  for (const json& c : cases) given += c["split"] == "public";
  EXPECT_EQ(given, 36);
  for (const std::string& family : supported_families()) {
    std::int64_t seen = 0;
    for (const json& c : cases) seen += c["config"]["model_type"] == family;
    EXPECT_GE(seen, 2) << family;
  }
}

TEST(HfCases, ParametersAreExact) {
  for (const json& c : test::hf_cases()) {
    SCOPED_TRACE(c["name"].get<std::string>());
    EXPECT_EQ(count_parameters(read(c["config"])).total, c["parameters"].get<std::int64_t>());
  }
}

TEST(HfCases, CuttingTheModelIsCuttingTheConfig) {
  for (const json& c : test::hf_cases()) {
    SCOPED_TRACE(c["name"].get<std::string>());
    Model model = read(c["config"]);
    for (const std::int64_t layers : {2, 1}) {
      set_layers(model, layers);
      const Model cut = read(test::with_layers(c["config"], layers));
      EXPECT_EQ(count_parameters(model).total, count_parameters(cut).total);
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        EXPECT_EQ(layer_kind(model, layer).windowed, layer_kind(cut, layer).windowed);
        EXPECT_EQ(layer_kind(model, layer).rotary, layer_kind(cut, layer).rotary);
      }
    }
  }
}

TEST(HfCases, PartsAddUpToTheTotal) {
  for (const json& c : test::hf_cases()) {
    SCOPED_TRACE(c["name"].get<std::string>());
    const Model model = read(c["config"]);
    const ParameterCount count = count_parameters(model);
    EXPECT_EQ(count.embedding + count.attention + count.ffn + count.norms + count.head, count.total);
    EXPECT_LE(count.active, count.total);
    EXPECT_EQ(count.active == count.total, !model.experts || model.experts->active == model.experts->count);
    EXPECT_EQ(parameters_per_gpu(model, Workload{}), count.total);
  }
}

}  // namespace
}  // namespace gemmetry::shape
