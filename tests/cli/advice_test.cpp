#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(Check, GradesAMisalignedVocabularyAndExitsOne) {
  const Result result = gemmetry("check gpt3-2.7b --gpu h200 --format json");
  EXPECT_EQ(result.code, 1) << result.err;
  const Json checked = result.json();
  bool vocabulary = false;
  for (const Json& finding : checked.at("findings"))
    if (finding.at("rule") == "vocabulary") {
      vocabulary = true;
      EXPECT_EQ(finding.at("verdict"), "costly");
      EXPECT_GT(finding.at("cost"), 0.01);
      EXPECT_LE(finding.at("cost_low"), finding.at("cost"));
      EXPECT_NE(finding.at("paper_threshold").get<std::string>().find("64"), std::string::npos);
    }
  EXPECT_TRUE(vocabulary);
  EXPECT_EQ(checked.at("summary").at("failed"), true);
}

TEST(Check, FailOverDecidesTheExitCode) {
  EXPECT_EQ(gemmetry("check gpt3-2.7b --fail-over 1%").code, 1);
  EXPECT_EQ(gemmetry("check gpt3-2.7b --fail-over 1").code, 1);
  EXPECT_EQ(gemmetry("check gpt3-2.7b --fail-over 99%").code, 0);
  EXPECT_EQ(gemmetry("check gpt3-2.7b --vocab 50304 --heads 20").code, 0);
}

TEST(Check, AnImpossibleSplitIsAFinding) {
  const Result result = gemmetry("check gpt3-2.7b --vocab 50304 --heads 20 --tp 1,6 --fail-over 99% --format json");
  EXPECT_EQ(result.code, 1) << result.err;
  std::set<int> degrees;
  bool impossible = false;
  const Json checked = result.json();
  for (const Json& finding : checked.at("findings")) {
    degrees.insert(finding.at("tensor_parallel").get<int>());
    impossible = impossible || finding.at("verdict") == "impossible";
  }
  EXPECT_TRUE(impossible);
  EXPECT_TRUE(degrees.contains(1));
  EXPECT_TRUE(degrees.contains(6));
}

TEST(Check, EndsWithASentence) {
  const std::string text = gemmetry("check gpt3-2.7b").out;
  const std::size_t last_line = text.rfind('\n', text.size() - 2) + 1;
  EXPECT_TRUE(text.substr(last_line).starts_with("summary")) << text;
}

TEST(Advise, RanksCandidatesWithIntervals) {
  const Result result = gemmetry("advise gpt3-2.7b --gpu h200 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json advised = result.json();
  EXPECT_EQ(advised.at("current").at("parameters"), 2651553280);
  ASSERT_FALSE(advised.at("candidates").empty());
  double before = 0;
  for (const Json& candidate : advised.at("candidates")) {
    EXPECT_GE(candidate.at("time_per_token_s"), before);
    before = candidate.at("time_per_token_s");
    EXPECT_LE(candidate.at("gain_low"), candidate.at("gain"));
    EXPECT_LE(candidate.at("gain"), candidate.at("gain_high"));
    EXPECT_TRUE(candidate.at("model").contains("hidden"));
    EXPECT_TRUE(candidate.contains("group"));
    EXPECT_TRUE(candidate.contains("change"));
    const double ratio = candidate.at("parameters").get<double>() / 2651553280;
    EXPECT_NEAR(ratio, 1, 0.0201);
  }
  const std::string notes = advised.at("notes").dump();
  EXPECT_NE(notes.find("quality is not predicted"), std::string::npos);
}

TEST(Advise, SaysWhenNothingIsBetter) {
  const Result result = gemmetry("advise gpt3-2.7b --vocab 50304 --heads 20 --only vocab");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("Nothing better than your shape within the error"), std::string::npos) << result.out;
}

TEST(Advise, SaysWhenNoShapeHasThatManyParameters) {
  const Result result = gemmetry("advise gpt3-2.7b --params 1");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.out.find("No shape near yours has that many parameters"), std::string::npos) << result.out;
  EXPECT_EQ(result.out.find("Nothing better"), std::string::npos);
}

TEST(Advise, StartsFromACountAlone) {
  const Result result = gemmetry("advise --params 2.7e9 --format json --keep 3");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json advised = result.json();
  EXPECT_LE(advised.at("candidates").size(), 3u);
  for (const Json& candidate : advised.at("candidates"))
    EXPECT_NEAR(candidate.at("parameters").get<double>() / 2.7e9, 1, 0.0201);
}

TEST(Advise, OnlyChangesWhatIsFree) {
  const Json advised = gemmetry("advise llama-2-7b --ffn 10922 --only ffn --gpu h200 --format json").json();
  ASSERT_FALSE(advised.at("candidates").empty());
  for (const Json& candidate : advised.at("candidates")) {
    EXPECT_EQ(candidate.at("model").at("heads"), 32);
    EXPECT_EQ(candidate.at("model").at("vocab"), 32000);
  }
  EXPECT_EQ(advised.at("candidates").at(0).at("model").at("ffn").get<int>() % 8, 0);
}

TEST(Advise, CtrlCShowsWhatWasFound) {
  // A space that takes minutes. The signal is sent as soon as the program, no longer the shell that starts it, catches
  // it: bit 1 of the caught signals' mask.
  const std::string wide =
      "gpt3-175b --free all --tolerance 20% --smaller 20% --ffn-band 1..8 --depth-width-band 0.1..10";
  const Result result = gemmetry("advise " + wide +
                                 " --format json & running=$!; of=/proc/$running; "
                                 "while kill -0 $running && ! { grep -q gemmetry $of/comm && "
                                 "grep -qE '^SigCgt:.*[2367abef]$' $of/status; }; do sleep 0.1; done; sleep 1; "
                                 "kill -INT $running; wait $running");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("search").at("complete"), false);
}

TEST(Advise, ShowsNoProgressWithoutATerminal) { EXPECT_EQ(gemmetry("advise gpt3-125m").err, ""); }

}  // namespace
}  // namespace gemmetry::cli
