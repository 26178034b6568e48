#include <gtest/gtest.h>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

const std::string small = " --hidden 48 --layers 2 --heads 4 --vocab 96 --device cpu --time-cap 1ms";

TEST(MeasureModel, TimesTheWholeAndItsSteps) {
  const Result result = gemmetry("measure model" + small + " --seq 12 --batch 2 --dtype fp32 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  EXPECT_EQ(json["totals"]["tokens"], 24);
  EXPECT_GT(json["totals"]["time_s"], 0.0);
  EXPECT_EQ(json["totals"]["launch"], "graph");
  double share = 0;
  for (const auto& step : json["steps"]) {
    share += step["share"].get<double>();
    if (step["module"] == "QKV Transform") EXPECT_EQ(step["count"], 2);
  }
  EXPECT_NEAR(share, 1, 1e-9);
}

TEST(MeasureModel, WritesTheLogitsOfTheTokensItIsGiven) {
  const Scratch scratch;
  const std::string tokens = scratch.write("tokens", "1 2 3\n4 5\n");
  const auto logits = [&](const std::string& more) {
    const Result result = gemmetry("measure model" + small + " --dtype fp32 --seq 5 --batch 1 --tokens " + tokens +
                                   " --logits " + scratch.path("logits") + more);
    EXPECT_EQ(result.code, 0) << result.err;
    return read_text(scratch.path("logits"));
  };
  const std::string first = logits("");
  EXPECT_EQ(first.size(), 5u * 96 * 4);
  EXPECT_EQ(first, logits(" --launch stream"));
  EXPECT_NE(first, logits(" --seed 2")) << "other weights";
}

TEST(MeasureModel, SaysWhatIsWrong) {
  const Scratch scratch;
  expect_refused("measure model mixtral-8x7b --device cpu", "cannot be executed yet: a mixture of experts");
  expect_refused("measure model" + small + " --seq 4 --tokens " + scratch.write("few", "1 2"), "2 tokens are given");
  expect_refused("measure model" + small + " --seq 2 --batch 1 --tokens " + scratch.write("words", "1 two"),
                 "'two': expected whole numbers");
  expect_refused("measure model" + small + " --weights " + scratch.path("nowhere"), "nowhere");
  expect_refused("measure model gpt2 --layers 1 --device cpu --weights " + scratch.write("x.safetensors", "short"),
                 "x.safetensors: truncated");
  EXPECT_EQ(gemmetry("measure model" + small + " --tp 2 --seq 4").code, 2);
}

TEST(MeasureDecode, AnswersEveryRequest) {
  const Scratch scratch;
  const std::string prompts = scratch.write("prompts", "1 2 3 4 5 6");
  const auto run = [&](const std::string& more) {
    return gemmetry("measure decode" + small + " --dtype fp32 --batch 2 --prompt 3 --new-tokens 4 --tokens " + prompts +
                    " --answers " + scratch.path("answers") + " --format json" + more);
  };
  const Result result = run("");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto decode = result.json()["decode"];
  EXPECT_GT(decode["token_time_s"], 0.0);
  EXPECT_GT(decode["copy_share"], 0.0);
  const std::string greedy = read_text(scratch.path("answers"));
  EXPECT_EQ(std::count(greedy.begin(), greedy.end(), '\n'), 2);
  EXPECT_EQ(std::count(greedy.begin(), greedy.end(), ' '), 6);
  ASSERT_EQ(run(" --temperature 3").code, 0);
  EXPECT_NE(greedy, read_text(scratch.path("answers")));
}

TEST(MeasureDecode, SaysWhatIsWrong) {
  const Scratch scratch;
  expect_refused("measure decode" + small + " --prompt 3 --tokens " + scratch.write("few", "1 2"),
                 "2 tokens; --batch 1 x --prompt 3 are 3");
  expect_refused("measure decode" + small + " --max-positions 16 --prompt 10 --new-tokens 10", "16");
  expect_refused("measure decode" + small + " --temperature -1", "--temperature");
}

}  // namespace
}  // namespace gemmetry::cli
