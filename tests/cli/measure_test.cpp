#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Measure, AnOperatorTooLargeForTheMachineIsSkipped) {
  const Scratch scratch;
  const Result result = gemmetry(measure("gemm --m 16 --n 16,2^32 --k 2^16", scratch.path("a.db")) + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("sweep").at("ok"), 1);
  EXPECT_EQ(result.json().at("sweep").at("skipped"), 1);
  const Json skipped = result.json().at("records").at(1);
  EXPECT_EQ(skipped.at("status"), "skipped");
  EXPECT_FALSE(skipped.at("reason").get<std::string>().empty());
  EXPECT_FALSE(skipped.contains("time_s"));
}

TEST(Measure, WhatWasMeasuredIsShownAsItWas) {
  const Scratch scratch;
  const std::string command = measure("gemm --m 8 --n 8,16 --k 8", scratch.path("a.db")) + " --format json";
  const Json first = gemmetry(command).json(), second = gemmetry(command).json();
  EXPECT_EQ(second.at("records"), first.at("records"));
  EXPECT_EQ(second.at("sweep").at("present"), 2);
  EXPECT_EQ(second.at("sweep").at("measured"), 0);
}

/// What makes a record's identity, of a record in JSON.
Json identity_of(Json record) {
  for (const char* key : {"time_s", "p10_s", "p90_s", "samples", "precision", "ending", "calls_per_sample",
                          "overhead_s", "time", "error", "algorithm"})
    record.erase(key);
  return record;
}

TEST(Measure, TheCommandOfARecordMeasuresTheSameAgain) {
  const Scratch scratch;
  const std::pair<const char*, const char*> sweeps[] = {
      {"gemm", "--m 8 --n 16 --k 24 --batch 1,3 --layout tn --dtype bf16"},
      {"attention", "--batch 1 --queries 8 --heads 4 --kv-heads 1,4 --head-dim 16 --causal false"},
      {"attention", "--batch 1 --queries 1 --keys 40 --heads 2 --head-dim 16 --value-dim 128 --window 8"},
      {"norm", "--rows 4 --width 32 --norm rms_norm --backward"},
      {"pointwise", "--function cast --elements 64 --read-bytes 4 --write-bytes 2"},
  };
  for (const auto& [kind, sizes] : sweeps) {
    const std::string arguments = "measure " + std::string(kind) + " " + sizes + quick + " --launch stream";
    const Result result = gemmetry(arguments + " --format json --db " + scratch.path("a.db"));
    ASSERT_EQ(result.code, 0) << result.err;
    const Json answer = result.json();
    for (const Json& record : answer.at("records")) {
      EXPECT_EQ(record.at("status"), "ok") << record;
      const std::string command = record.at("command");
      ASSERT_TRUE(command.starts_with("gemmetry ")) << command;
      const std::string other = " --time-cap 20ms --precision 50% --format json --db " + scratch.path("b.db");
      const Result again = gemmetry(command.substr(9) + other);
      ASSERT_EQ(again.code, 0) << command << ": " << again.err;
      EXPECT_EQ(identity_of(again.json().at("records").at(0)), identity_of(record)) << command;
    }
  }
}

TEST(Measure, SizesComeFromFilesAndStandardInput) {
  const Scratch scratch;
  const std::string file = scratch.write("sizes.csv", "m,n,k,layout,note\n8,8,8,nn,a\n8,16,8,,b\n8,8,8,nn,twice\n");
  for (const std::string& source : {"gemm @" + file, "gemm @- <" + file}) {
    const Result result = gemmetry(measure(source, scratch.path("a.db")) + " --format json");
    ASSERT_EQ(result.code, 0) << result.err;
    const Json records = result.json().at("records");
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].at("layout"), "nn");
    EXPECT_EQ(records[1].at("layout"), "nt");
  }
}

TEST(Measure, AttentionHasAsManyKeysAsQueriesUnlessSaid) {
  const Scratch scratch;
  const std::string sizes = "attention --batch 1 --queries 2^2..2^4 --heads 2 --head-dim 8";
  const Result result = gemmetry(measure(sizes, scratch.path("a.db")) + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  ASSERT_EQ(answer.at("records").size(), 3u);
  for (const Json& record : answer.at("records")) EXPECT_EQ(record.at("keys"), record.at("queries"));
}

TEST(Measure, TakesAreRecordsOfTheirOwn) {
  const Scratch scratch;
  const Result result = gemmetry(measure("gemm --m 8 --n 8 --k 8 --takes 3", scratch.path("a.db")) + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json records = result.json().at("records");
  ASSERT_EQ(records.size(), 3u);
  for (int take = 0; take < 3; ++take) EXPECT_EQ(records[static_cast<std::size_t>(take)].at("take"), take);
}

TEST(Measure, EveryFormatHoldsTheRecords) {
  const Scratch scratch;
  const std::string command = measure("gemm --m 8 --n 8,16 --k 8", scratch.path("a.db"));
  const std::string table = gemmetry(command).out;
  for (const char* words : {"8 x 16 x 8", "OpenBLAS", "asked for", "complete"})
    EXPECT_NE(table.find(words), std::string::npos) << table;
  const std::string csv = gemmetry(command + " --format csv").out;
  EXPECT_TRUE(csv.starts_with("kind,")) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 3);
  EXPECT_EQ(gemmetry("records import " + scratch.write("a.csv", csv) + " --db " + scratch.path("b.db")).code, 0);
  EXPECT_EQ(gemmetry("records list --format json --db " + scratch.path("b.db")).json().at("records").size(), 2u);
  EXPECT_NE(gemmetry(command + " --format markdown").out.find("| gemm"), std::string::npos);
}

TEST(MeasureLayer, MeasuresEveryOperatorAloneAndAllInSequence) {
  const Scratch scratch;
  const std::string command = "measure layer" + small_model + quick + " --db " + scratch.path("a.db");
  const Json layer = gemmetry(command + " --format json").json();
  double sum = 0;
  for (const Json& op : layer.at("operators")) {
    for (const char* key : {"module", "detail", "pass", "kind", "count", "time_s", "share", "how"})
      EXPECT_TRUE(op.contains(key)) << key << ": " << op;
    EXPECT_EQ(op.at("pass"), "forward");
    sum += op.at("count").get<double>() * op.at("time_s").get<double>();
  }
  EXPECT_NEAR(layer.at("layer").at("sum_time_s").get<double>(), sum, 1e-9 * sum);
  EXPECT_GT(layer.at("layer").at("sequence_time_s"), 0);
  EXPECT_EQ(layer.at("layer").at("operators"), layer.at("operators").size());
  EXPECT_EQ(layer.at("layer").at("measured_operators"), layer.at("operators").size());
  const Json again = gemmetry(command + " --format json").json();
  EXPECT_EQ(again.at("operators"), layer.at("operators"));  // from the records
  EXPECT_TRUE(gemmetry(command + " --format csv").out.starts_with("module,detail,pass,kind,"));
  EXPECT_NE(gemmetry(command).out.find("MLP 4h to h"), std::string::npos);
}

TEST(Measure, WithoutADeviceTheExitStatusIsThree) {
  const Scratch scratch;
  const std::string sizes = " gemm --m 8 --n 8 --k 8 --db " + scratch.path("a.db");
  const Result far = gemmetry("measure" + sizes + " --device cuda:99");
  EXPECT_EQ(far.code, 3);
  EXPECT_TRUE(far.one_line_of_error()) << far.err;
  // Where there is no CUDA backend beside the program.
  const std::string alone = scratch.path("gemmetry");
  std::filesystem::copy_file(GEMMETRY_BINARY, alone);
  for (const std::string& command :
       {"measure" + sizes, "tune" + sizes, "measure layer gpt3-125m --db " + scratch.path("a.db"),
        "explain gpt3-125m --compare --db " + scratch.path("a.db")}) {
    const Result result = gemmetry("--version >/dev/null; " + alone + " " + command);
    EXPECT_EQ(result.code, 3) << command;
    EXPECT_EQ(result.out, "") << command;
    EXPECT_TRUE(result.one_line_of_error()) << result.err;
    EXPECT_NE(result.err.find("libgemmetry_cuda.so"), std::string::npos) << result.err;
  }
  EXPECT_FALSE(std::filesystem::exists(scratch.path("a.db")));  // nothing was to be stored
  EXPECT_EQ(gemmetry("--version >/dev/null; " + alone + " measure" + sizes + quick).code, 0);
}

}  // namespace
}  // namespace gemmetry::cli
