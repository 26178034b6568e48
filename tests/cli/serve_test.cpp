#include <gtest/gtest.h>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

const std::string small = " --hidden 48 --layers 2 --heads 4 --vocab 96 --device cpu --dtype fp32";
const std::string load = " --rate 2000 --requests 12 --prompt 6 --new-tokens 9 --slots 4";

nlohmann::ordered_json serve(const std::string& more) {
  const Result result = gemmetry("measure serve" + small + more + " --format json");
  EXPECT_EQ(result.code, 0) << result.err;
  return result.json();
}

TEST(MeasureServe, AnswersWhatIsVerifiedTheSameInEveryOrder) {
  const Scratch scratch;
  const auto answers = [&](const std::string& more) {
    const auto json = serve(load + " --answers " + scratch.path("answers") + more);
    EXPECT_EQ(json["serving"]["answered"], 12);
    return read_text(scratch.path("answers"));
  };
  const std::string verified = answers(" --verify 2x4");
  EXPECT_EQ(std::count(verified.begin(), verified.end(), '\n'), 12);
  EXPECT_EQ(verified, answers(" --verify 2x4 --order 3"));
  EXPECT_EQ(verified, answers(" --verify 2x4 --inject bernoulli:30%")) << "injected drafts are rolled back";
  const std::string invariant = answers(" --invariant");
  EXPECT_EQ(invariant, answers(" --invariant --order 4"));
}

TEST(MeasureServe, ShowsWhatServingTook) {
  const auto json = serve(load + " --lengths fixed --verify 1x4 --inject forced:2 --deterministic 100%");
  const auto& serving = json["serving"];
  EXPECT_EQ(json["requests"]["injected"], "forced:2");
  EXPECT_EQ(serving["tokens"], 12 * 9);
  EXPECT_EQ(serving["deterministic_tokens"], 12 * 9);
  // Eight drafts each: windows of four that keep three and roll one back, then what is left is no whole window.
  EXPECT_EQ(serving["rollbacks"], 12 * 2);
  EXPECT_EQ(serving["rolled_back_tokens"], 12 * 2);
  EXPECT_GT(serving["verify_time_s"], 0.0);
  EXPECT_GE(serving["end_to_end_p99_s"], serving["end_to_end_p50_s"]);
  EXPECT_FALSE(json["algorithms"].empty());
  EXPECT_FALSE(json["steps"].empty());
}

TEST(MeasureServe, PinnedDecodingNeverFlips) {
  EXPECT_EQ(serve(load + " --verify 2x4 --pin all")["serving"]["rollbacks"], 0);
}

TEST(MeasureServe, TakesATraceOfAFile) {
  const Scratch scratch;
  const std::string csv = scratch.write("trace.csv",
                                        "arrival_s,prompt,prompt_tokens,new_tokens,deterministic,cancel_s\n"
                                        "0,1 2 3,,4,true,\n0,,5,3,false,\n0.001,7,,2,,0.001\n");
  const std::string lines = scratch.write("trace.jsonl",
                                          "{\"arrival_s\":0,\"prompt\":[1,2,3],\"new_tokens\":4}\n\n"
                                          "{\"arrival_s\":0,\"prompt_tokens\":5,\"new_tokens\":3,\"seed\":4}\n");
  const auto json = serve(" --slots 2 --verify 1x4 --trace " + csv)["serving"];
  EXPECT_EQ(json["requests"], 3);
  EXPECT_EQ(json["answered"], 2);
  EXPECT_EQ(json["cancelled"], 1);
  EXPECT_EQ(json["deterministic_requests"], 1);
  EXPECT_EQ(serve(" --slots 2 --trace " + lines)["serving"]["tokens"], 7);
}

TEST(MeasureServe, SaysWhatIsWrongWithATrace) {
  const Scratch scratch;
  const auto refused = [&](const std::string& text, const std::string& says, const std::string& name = "trace.csv") {
    expect_refused("measure serve" + small + " --trace " + scratch.write(name, text), says);
  };
  const std::string head = "arrival_s,prompt_tokens,new_tokens\n";
  refused(head, "has no request");
  refused(head + "-1,4,4\n", "request 1: arrival_s = -1");
  refused(head + "nan,4,4\n", "trace.csv:2: arrival_s = 'nan'");
  refused(head + "2,4,4\n1,4,4\n", "request 2: arrival_s = 1 is before");
  refused(head + "1,4,0\n", "new_tokens = 0");
  refused(head + "1,4,-3\n", "new_tokens");
  refused(head + "1,4,100000\n", "the longest request has 100004 tokens");
  refused("arrival_s,new_tokens,new_tokens\n1,2,2\n", "column 'new_tokens' is there twice");
  refused("arrival_s,new_tokns\n1,2\n", "did you mean 'new_tokens'");
  refused("arrival_s,new_tokens\n1,2\n", "state either prompt or prompt_tokens");
  refused("arrival_s,prompt,new_tokens\n1,1 96,2\n", "token 96 is not of the vocabulary, 0 to 95");
  refused("{\"arrival_s\":0,\"new_token\":1}\n", "new_token", "trace.jsonl");
  refused("{\"arrival_s\":0,\"prompt\":[1,-2],\"new_tokens\":1}\n", "token ids", "trace.jsonl");
}

TEST(MeasureServe, SaysWhatIsWrong) {
  expect_refused("measure serve" + small + " --verify 8", "BATCHxWINDOW");
  expect_refused("measure serve" + small + " --verify 0x4", "'0'");
  expect_refused("measure serve" + small + " --verify 1x4 --invariant", "leave out either");
  expect_refused("measure serve" + small + " --inject bernoulli:1%", "add --verify");
  expect_refused("measure serve" + small + " --inject often", "bernoulli:SHARE");
  expect_refused("measure serve" + small + load + " --verify 1x4 --inject forced:9", "state 1 to 4");
  expect_refused("measure serve" + small + " --rate 0", "over 0");
  expect_refused("measure serve" + small + " --deterministic 300%", "100 %");
  expect_refused("measure serve" + small + " --trace nowhere.csv --requests 4", "--requests is of random requests");
}

TEST(MeasureVerify, KeepsCellsAndGoesOn) {
  const Scratch scratch;
  const std::string file = scratch.path("cells.csv");
  const std::string grid =
      "measure verify --grid" + small + load + " --inject bernoulli:5% --rollbacks 20 --cells " + file;
  const Result first = gemmetry(grid + " --shapes 1x4,2x4 --format json");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json()["cells"].size(), 3u) << "nobody verified is the third";
  EXPECT_GE(first.json()["cells"][1]["rollbacks"], 20);
  const std::string kept = read_text(file);
  ASSERT_EQ(gemmetry(grid + " --shapes 1x4,2x4").code, 0);
  EXPECT_EQ(read_text(file), kept) << "nothing is measured again";
  ASSERT_EQ(gemmetry(grid + " --shapes 1x4,2x4,4x4").code, 0);
  EXPECT_TRUE(read_text(file).starts_with(kept));
  const Result from = gemmetry("measure verify --from " + file + " --format json");
  ASSERT_EQ(from.code, 0) << from.err;
  EXPECT_EQ(from.json()["cells"].size(), 4u);
  EXPECT_EQ(from.json()["verdicts"].size(), 8u);
  EXPECT_EQ(from.json()["beside_unverified"].size(), 3u);
}

TEST(MeasureVerify, LaysSharesBesideBothBaselines) {
  const Result result = gemmetry("measure verify --shares 50%,100% --shape 2x4" + small + load + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto rows = result.json()["beside_unverified"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[2]["mode"], "batch_invariant");
  EXPECT_GT(rows[0]["throughput_share"], 0.0);
}

TEST(MeasureVerify, TimesPasses) {
  const Result result =
      gemmetry("measure verify --passes 2 --shapes 1x4,2x4 --prompt 5 --slots 4" + small + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  ASSERT_EQ(result.json()["passes"].size(), 5u) << "decoding of 1, 2 and 4 requests, and two shapes";
  EXPECT_GT(result.json()["passes"][4]["time_s"], 0.0);
}

TEST(MeasureVerify, SaysWhatIsWrong) {
  const Scratch scratch;
  expect_refused("measure verify" + small, "state one of --grid, --shares, --passes and --from");
  expect_refused("measure verify --grid --passes 3" + small, "state one of");
  expect_refused("measure verify --shares 10%" + small, "add --shape");
  expect_refused("measure verify --from " + scratch.write("a.csv", "batch,colour\n1,2\n"), "column 'colour'");
  expect_refused("measure verify --from " + scratch.write("b.csv", "batch,window\n1,2\n"), "is missing");
}

TEST(MeasureVerify, ReadsTheShapeOfThePublishedHeatmapAsItIs) {
  const Scratch scratch;
  const auto published =
      nlohmann::json::parse(read_text(std::string(GEMMETRY_SOURCE_DIR) + "/data/verified_decoding/published.json"));
  std::string csv = "setting,mode,rate_per_s,deterministic,batch,window,time_s,rollbacks,recompute_cost,flip_rate\n";
  for (const auto& cell : published["cells"])
    csv += "llama,verified,12,1," + cell["batch"].dump() + "," + cell["window"].dump() + ",1,400," +
           cell["recompute_cost"].dump() + ",0.0045\n";
  const Result result = gemmetry("measure verify --from " + scratch.write("p.csv", csv) + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  for (const int i : {0, 1, 2}) EXPECT_EQ(json["verdicts"][i]["standing"], "holds") << json["verdicts"][i];
  for (const auto& row : json["published"]) EXPECT_EQ(row["difference"], 0.0);
}

TEST(AdviseVerify, ProposesAShape) {
  const Result result =
      gemmetry("advise verify llama-3.1-8b --gpu h200 --rate 12 --flip 0.45% --lengths fixed --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const auto json = result.json();
  ASSERT_EQ(json["shapes"].size(), 21u);
  double best = 1e9;
  for (const auto& shape : json["shapes"]) best = std::min(best, shape["end_to_end_p99_s"].get<double>());
  EXPECT_EQ(json["proposal"]["end_to_end_p99_s"], best);
  EXPECT_NEAR(json["shapes"][0]["closed_form"], 0.0335, 1e-3);
  EXPECT_NEAR(json["shapes"][4]["closed_form"], 0.4545, 1e-3);
  EXPECT_LE(json["proposal"]["throughput_share"], 1.001);
  EXPECT_FALSE(json["kernels"].empty());
  const Result by_total = gemmetry("advise verify llama-3.1-8b --by total --format json");
  double least = 1e9;
  const auto total = by_total.json();
  for (const auto& shape : total["shapes"]) least = std::min(least, shape["time_s"].get<double>());
  EXPECT_EQ(total["proposal"]["time_s"], least);
}

TEST(AdviseVerify, SaysWhatIsWrong) {
  expect_refused("advise verify", "no model");
  expect_refused("advise verify llama-3.1-8b --flip lots", "--flip");
  expect_refused("advise verify llama-3.1-8b --rate -2", "over 0");
  expect_refused("advise verify gpt2 --new-tokens 4000 --lengths fixed", "gpt2 has 1024 positions");
  expect_refused("advise --keep 3 verify llama-3.1-8b", "--keep stands before verify");
}

}  // namespace
}  // namespace gemmetry::cli
