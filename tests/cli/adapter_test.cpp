#include <gtest/gtest.h>

#include <string>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

using Json = nlohmann::ordered_json;

Json explained(const std::string& options) {
  const Result result = gemmetry("explain gpt2-medium --batch 1 --seq 128 --format json " + options);
  EXPECT_EQ(result.code, 0) << result.err;
  return result.json();
}

TEST(Adapter, IsPartOfAModelThatIsExplained) {
  const Json with = explained("--adapter houlsby:64");
  EXPECT_EQ(with.at("model").at("adapter"), "houlsby");
  EXPECT_EQ(with.at("model").at("adapter_rank"), 64);
  EXPECT_EQ(with.at("model").at("adapter_parameters"), 98'352 * 64 + 49'152);
  int steps = 0;
  for (const Json& step : with.at("operators")) steps += step.at("module") == "Adapter";
  EXPECT_EQ(steps, 8);
  const Json without = explained("");
  EXPECT_FALSE(without.at("model").contains("adapter"));
  EXPECT_GT(with.at("totals").at("model_time_s"), without.at("totals").at("model_time_s"));
  EXPECT_EQ(explained("--adapter h:64").at("totals"), with.at("totals"));
  EXPECT_EQ(explained("--adapter lora-merged:8").at("totals"), without.at("totals"));
  EXPECT_EQ(explained("--adapter lora:0").at("totals"), without.at("totals"));
}

TEST(Adapter, IsTrainedCheckedAndSearchedWith) {
  const Result trained = gemmetry("explain gpt2-medium --adapter lora:8 --phase training --format json");
  ASSERT_EQ(trained.code, 0) << trained.err;
  EXPECT_EQ(trained.json().at("totals").at("memory").at("gradients_bytes"), 2 * 786'432);
  EXPECT_LE(gemmetry("check gpt2-medium --adapter lin:64 --phase forward").code, 1);
  const Result advised = gemmetry("advise gpt2-medium --adapter lora:8 --only vocab --format json");
  ASSERT_EQ(advised.code, 0) << advised.err;
  EXPECT_EQ(advised.json().at("current").at("parameters"), 354'823'168 + 786'432);
}

TEST(Adapter, AdviceNamesTheLargestRankUnderTheLimit) {
  const Result result =
      gemmetry("advise --adapter houlsby --slowdown 12% gpt2-medium --gpu h200 --batch 16 --seq 256 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json advised = result.json();
  EXPECT_EQ(advised.at("workload").at("phase"), "forward");
  const Json& adapter = advised.at("adapter");
  EXPECT_EQ(adapter.at("limit"), 0.12);
  EXPECT_LE(adapter.at("slowdown"), 0.12);
  EXPECT_LE(adapter.at("slowdown_low"), adapter.at("slowdown"));
  EXPECT_LE(adapter.at("slowdown"), adapter.at("slowdown_high"));
  EXPECT_LE(adapter.at("rank_for_sure"), adapter.at("rank"));
  bool ten = false;
  for (const Json& row : advised.at("ranks")) {
    EXPECT_EQ(row.at("under_limit"), row.at("slowdown") <= 0.12);
    if (row.at("rank") > adapter.at("rank")) EXPECT_FALSE(row.at("under_limit").get<bool>());
    if (row.at("rank") != 10) continue;
    ten = true;
    EXPECT_EQ(row.at("padded").at("rank"), 16);
    EXPECT_LT(row.at("padded").at("slowdown"), row.at("slowdown")) << "aligned";
  }
  EXPECT_TRUE(ten);
}

TEST(Adapter, AdviceSaysWhenNoRankIsUnderTheLimit) {
  const Result result = gemmetry("advise --adapter l --slowdown 0.1% gpt2-medium --batch 1 --seq 128");
  EXPECT_EQ(result.code, 1) << result.err;
  EXPECT_NE(result.out.find("No rank stays under 0.1 %"), std::string::npos) << result.out;
}

TEST(Adapter, MistakesAreOneLine) {
  expect_refused("explain gpt2 --adapter houlsbi:8", "did you mean 'houlsby'");
  expect_refused("explain gpt2 --adapter lora", "--adapter lora:8");
  expect_refused("explain gpt2 --adapter lora:769", "from 0 (no adapter) to the hidden size 768");
  expect_refused("explain gpt2 --adapter lora:x", "expected a whole number");
  expect_refused("explain gpt2 --adapter lora-merged:8 --phase training", "use lora:8");
  expect_refused("explain deepseek-v3 --adapter lora:8", "use houlsby or lin");
  expect_refused("advise gpt2 --slowdown 5%", "name its kind");
  expect_refused("advise gpt2 --adapter lora:8 --slowdown 5%", "leave 8 out");
  expect_refused("advise gpt2 --adapter lora --ranks 800", "at most the hidden size 768");
  expect_refused("advise gpt2 --adapter lora --slowdown 5% --only ffn", "--only is of the search for shapes");
}

}  // namespace
}  // namespace gemmetry::cli
