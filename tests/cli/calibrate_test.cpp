#include <gtest/gtest.h>

#include "cli/fake_records.h"

namespace gemmetry::cli {
namespace {

std::string calibrate(const Scratch& scratch, const std::string& options) {
  return "calibrate --starts 1 --out " + scratch.path("fitted.json") + " " + options;
}

double error_on(const Scratch& scratch, const std::string& calibration) {
  const Result result = gemmetry("validate --gpu h200 --all --format json --records " + scratch.path("records.csv") +
                                 (calibration.empty() ? "" : " --calibration " + calibration));
  return result.json().at("operators").at(0).at("mape").get<double>();
}

TEST(Calibrate, WritesAFileThatPredictsBetter) {
  const Scratch scratch;
  write_records(scratch, "h200", 1.3);
  const Result result =
      gemmetry(calibrate(scratch, "--gpu h200 --only gemm --format json --records " + scratch.path("records.csv")));
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  EXPECT_EQ(answer.at("calibration").at("file"), scratch.path("fitted.json"));
  EXPECT_LT(answer.at("groups").at(0).at("after"), answer.at("groups").at(0).at("before"));
  EXPECT_LT(error_on(scratch, scratch.path("fitted.json")), 0.6 * error_on(scratch, ""));
  const Json file = Json::parse(read_text(scratch.path("fitted.json")));
  EXPECT_EQ(file.at("name"), "h200");
  EXPECT_EQ(file.at("fit").at("data").at("files").at(0), "records.csv");
  EXPECT_GT(file.at("fit").at("held_out").size(), 0u);
  // Any command that predicts takes it.
  const auto time = [](const std::string& more) {
    return gemmetry("gemm 4096 4096 4096 --clocks burst --format json" + more).out;
  };
  EXPECT_NE(time(""), time(" --calibration " + scratch.path("fitted.json")));
}

TEST(Calibrate, WritesTheSameForTheSameSeed) {
  const Scratch scratch;
  write_records(scratch, "h200", 1.1);
  const std::string command = calibrate(scratch, "--gpu h200 --only gemm --records " + scratch.path("records.csv"));
  ASSERT_EQ(gemmetry(command).code, 0);
  const std::string first = read_text(scratch.path("fitted.json"));
  ASSERT_EQ(gemmetry(command).code, 0);
  EXPECT_EQ(read_text(scratch.path("fitted.json")), first);
}

TEST(Calibrate, KeepsWhatThereAreTooFewRecordsFor) {
  const Scratch scratch;
  scratch.write("records.csv", "kind,m,n,k,clocks,time_s\ngemm,8,512,512,burst,1e-5\n");
  const Result result =
      gemmetry(calibrate(scratch, "--gpu h200 --format json --records " + scratch.path("records.csv")));
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  for (const Json& group : answer.at("groups")) EXPECT_EQ(group.at("kept"), "too few records");
}

/// On a CPU that is taken for another machine: the whole way, whatever the times.
TEST(Calibrate, QuickMeasuresAndFits) {
  const Scratch scratch;
  const Result result = gemmetry(calibrate(scratch, "--quick --device cpu --gpu v100 --products 5 --format json"));
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  EXPECT_GT(answer.at("records").at("used"), 0);
  EXPECT_EQ(answer.at("records").at("held_out"), 0);
  const Json file = Json::parse(read_text(scratch.path("fitted.json")));
  EXPECT_EQ(file.at("fit").at("data").at("records"), answer.at("records").at("used"));
}

TEST(Calibrate, RefusesMistakes) {
  const Scratch scratch;
  write_records(scratch, "h200", 1);
  const std::string records = " --records " + scratch.path("records.csv");
  expect_refused("calibrate --gpu h200", "--records");
  expect_refused("calibrate" + records, "--gpu");
  expect_refused("calibrate --gpu h200 --quick" + records, "--records");
  expect_refused("calibrate --gpu h200 --only gem" + records, "gemm");
  expect_refused("calibrate --gpu h100" + records, "h100");
  expect_refused("calibrate --quick --products 1000", "200");
  expect_refused("calibrate --quick --device cpu", "--gpu");
  expect_refused("calibrate --gpu h200 --starts 0" + records, "--starts");
}

}  // namespace
}  // namespace gemmetry::cli
