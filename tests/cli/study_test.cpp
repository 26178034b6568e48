#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

constexpr auto small = R"({
  "title": "Small", "figures": ["1x"], "source": "nowhere",
  "axes": {"n": "16,32,64"},
  "operator": {"kind": "gemm", "m": "32", "n": "n", "k": "16"},
  "series": [{"label": "one"}, {"label": "other", "fields": {"k": "32"}}],
  "chart": {"x": "n"},
  "claims": [{"id": "more", "text": "More work takes longer.",
              "condition": {"type": "ratio", "of": {"where": "n == 64"}, "over": {"where": "n == 16"}, "at_least": 0.1}}]
})";

std::string study_file(const Scratch& scratch, const std::string& from = "", const std::string& to = "") {
  std::string text = small;
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  return scratch.write("small.json", text);
}

TEST(Study, EachFigureOfThePaperHasAStudy) {
  std::set<std::string> figures;
  const auto list = gemmetry("study list --format json").json();
  for (const auto& study : list["studies"]) {
    EXPECT_FALSE(study["title"].get<std::string>().empty());
    EXPECT_GT(study["points"], 0);
    for (const auto& figure : study["figures"]) figures.insert(figure.get<std::string>());
  }
  for (const char* figure : {"1", "2", "11",  "12",  "13", "5a", "5b", "5c", "6a", "6b", "6c",  "6d",  "7a", "7b",
                             "8", "9", "10a", "10b", "14", "15", "16", "17", "18", "19", "20a", "20b", "34"})
    EXPECT_TRUE(figures.contains(figure)) << figure;
  for (int figure = 21; figure <= 47; ++figure) EXPECT_TRUE(figures.contains(std::to_string(figure))) << figure;
}

TEST(Study, AllArePredictedOnEveryGeneration) {
  for (const char* gpu : {"h200", "a100", "b200"}) {
    const Result run = gemmetry(std::string("study run --all --points 24 --format json --device predict:") + gpu);
    ASSERT_EQ(run.code, 0) << run.err;
    const auto json = run.json();
    EXPECT_EQ(json["studies"].size(), gemmetry("study list --format json").json()["studies"].size());
    for (const auto& claim : json["claims"]) EXPECT_FALSE(claim["reason"].get<std::string>().empty());
  }
}

TEST(Study, ShowsPointsChartAndVerdicts) {
  const Scratch scratch;
  const std::string file = study_file(scratch);
  const Result shown = gemmetry("study show " + file + " --device predict:h200,predict:a100");
  ASSERT_EQ(shown.code, 0) << shown.err;
  for (const char* words : {"Small: one", "More work takes longer.", "holds", "predict:a100", "throughput (GFLOP/s)"})
    EXPECT_NE(shown.out.find(words), std::string::npos) << words << shown.out;
  const auto json = gemmetry("study show " + file + " --format json").json();
  ASSERT_EQ(json["points"].size(), 6u);
  EXPECT_EQ(json["points"][1]["variables"]["n"], 32);
  EXPECT_GT(json["points"][1]["time_s"], 0);
  EXPECT_EQ(json["claims"][0]["verdict"], "holds");
  EXPECT_EQ(gemmetry("study show " + file + " --points 2 --format json").json()["points"].size(), 4u);
}

TEST(Study, WhatIsMissingIsMissingAndNotZero) {
  const Scratch scratch;
  const auto json = gemmetry("study show " + study_file(scratch) + " --device recorded:h200 --format json").json();
  EXPECT_EQ(json["devices"][0]["missing"], 6);
  for (const auto& point : json["points"]) {
    EXPECT_TRUE(point["time_s"].is_null());
    EXPECT_NE(point["how"].get<std::string>().find("not recorded"), std::string::npos);
  }
  EXPECT_EQ(json["claims"][0]["verdict"], "could not be tested");
}

TEST(Study, IsMeasuredAndGoesOn) {
  const Scratch scratch;
  const std::string run =
      "study run " + study_file(scratch) + " --device cpu --format json --precision 50% --db " + scratch.path("a.db");
  const Result first = gemmetry(run);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json()["studies"][0]["missing"], 0);
  EXPECT_EQ(first.json()["sweeps"]["burst_first"]["measured"], 6);
  EXPECT_EQ(gemmetry(run).json()["sweeps"]["burst_first"]["present"], 6);
  const Result shown =
      gemmetry("study show " + scratch.path("small.json") + " --device cpu --format json --db " + scratch.path("a.db"));
  EXPECT_EQ(shown.json()["devices"][0]["missing"], 0) << shown.err;
  const Result shared =
      gemmetry("study run " + scratch.path("small.json") +
               " --device cpu --format json --precision 50% --share 2/2 --db " + scratch.path("c.db"));
  EXPECT_EQ(shared.json()["studies"][0]["missing"], 3) << shared.err;
  const auto thinned = gemmetry("study run " + scratch.path("small.json") +
                                " --device cpu --format json --time-budget 160ms --db " + scratch.path("b.db"));
  EXPECT_GT(thinned.json()["studies"][0]["left_out"], 0) << thinned.err;
}

TEST(Study, MistakesAreOneLine) {
  const Scratch scratch;
  expect_refused("study show vocabularry", "did you mean 'vocabulary'?");
  expect_refused("study run", "--all");
  expect_refused("study run vocabulary --all --device predict:h200", "--all");
  expect_refused("study show vocabulary --device predict:h20", "h200");
  expect_refused("study show " + study_file(scratch, "\"n\": \"n\"", "\"nn\": \"n\""), "nn");
  expect_refused("study show " + study_file(scratch, "\"gemm\"", "\"gem\""), "gemm");
  expect_refused("study show " + study_file(scratch, "16,32,64", ""), "n");
  expect_refused("study show " + study_file(scratch, "0.1", "\"x\""), "at_least");
  expect_refused("study run vocabulary --device predict:h200 --retry", "--retry");
  expect_refused("study run vocabulary vocabulary --device predict:h200", "named twice");
  expect_refused("study show vocabulary --device predict:h200,predict:h200", "named twice");
  expect_refused("study show " + study_file(scratch, "nowhere", "\\u001b[31mred"), "control character");
}

TEST(Report, IsOneFile) {
  const Scratch scratch;
  const std::string page = scratch.path("page.html");
  const Result made = gemmetry("report --study wave_rule,vocabulary --device predict:h200,recorded:h200 --out " + page);
  if (made.code != 0 && made.err.find("Vega") != std::string::npos) GTEST_SKIP() << made.err;
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string html = read_text(page);
  EXPECT_NE(html.find("The wave rule"), std::string::npos);
  EXPECT_EQ(html.find("http-equiv=\"refresh"), std::string::npos);
  EXPECT_LT(html.size(), 8u << 20);
}

}  // namespace
}  // namespace gemmetry::cli
