#include <gtest/gtest.h>

#include <set>
#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::shape {
namespace {

std::int64_t parameters(const std::string& name) { return count_parameters(preset(name)).total; }

// Counts of the models that transformers 5.17 builds from the same configs.
TEST(Presets, HaveTheParametersOfTransformers) {
  const std::string path = GEMMETRY_TEST_DATA "/preset_parameters.json";
  const nlohmann::json expected = parse_json(read_text_file(path), path);
  EXPECT_EQ(expected.size(), preset_names().size());
  for (const std::string& name : preset_names()) {
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(parameters(name), expected.at(name).get<std::int64_t>()) << name;
  }
}

TEST(Presets, HaveThePublishedParameters) {
  EXPECT_EQ(parameters("gpt2"), 124439808);
  EXPECT_EQ(parameters("pythia-1b"), 1011781632);
  EXPECT_EQ(parameters("pythia-12b"), 11846072320);
  EXPECT_EQ(parameters("llama-2-7b"), 6738415616);
  EXPECT_EQ(parameters("llama-2-70b"), 68976648192);
  EXPECT_EQ(parameters("mixtral-8x7b"), 46702792704);
  EXPECT_EQ(parameters("deepseek-v3"), 671026404352);
  EXPECT_EQ(parameters("gpt-oss-20b"), 20914757184);
  EXPECT_NEAR(static_cast<double>(parameters("gpt3-175b")), 175e9, 0.5e9);
}

TEST(Presets, HaveNamesOfTheirOwnAndSources) {
  std::set<std::string> seen;
  for (const std::string& name : preset_names()) {
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_EQ(preset(name).name, name);
    EXPECT_FALSE(preset_note(name).source.empty()) << name;
  }
}

TEST(Presets, CoverThePaper) {
  for (const char* name : {"gpt3-125m", "gpt3-350m", "gpt3-760m", "gpt3-1.3b", "gpt3-2.7b", "gpt3-6.7b", "gpt3-13b",
                           "gpt3-175b", "gpt-neo-2.7b", "opt-2.7b", "pythia-2.8b", "redpajama-incite-3b", "llama-2-7b",
                           "cerebras-gpt-2.7b", "codesign-c1", "codesign-c2", "codesign-ours-1", "codesign-ours-2"})
    EXPECT_NO_THROW(preset(name)) << name;
  for (const char* name : {"gpt3-2.7b", "codesign-c1", "codesign-c2", "codesign-ours-1"}) {
    EXPECT_EQ(preset(name).hidden, 2560) << name;
    EXPECT_EQ(preset(name).layers, 32) << name;
    EXPECT_TRUE(is_paper_model(preset(name))) << name;
  }
  EXPECT_EQ(preset("codesign-c1").attention.head_dim, 40);
  EXPECT_EQ(preset("codesign-c2").attention.head_dim, 64);
  EXPECT_EQ(preset("gpt3-2.7b").attention.head_dim, 80);
  EXPECT_EQ(preset("codesign-ours-1").attention.head_dim, 128);
  EXPECT_EQ(preset("codesign-ours-2").attention.head_dim, 256);
}

TEST(Presets, DepartingFromWhatWasPublishedSaySo) {
  EXPECT_NE(preset_note("gpt3-1.3b").description.find("24 heads of 128"), std::string::npos);
  EXPECT_NE(preset_note("gpt3-13b").description.find("5140"), std::string::npos);
  EXPECT_TRUE(preset_note("gpt3-2.7b").description.empty());
}

TEST(Presets, UnknownNameGetsTheNearest) {
  try {
    preset("lama-2-7b");
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("'lama-2-7b'"), std::string::npos) << message;
    EXPECT_NE(message.find("did you mean 'llama-2-7b'"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace gemmetry::shape
