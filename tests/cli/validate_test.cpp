#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/fake_records.h"

namespace gemmetry::cli {
namespace {

std::string validate(const Scratch& scratch, const std::string& options) {
  return "validate --gpu h200 --records " + scratch.path("records.csv") + " " + options;
}

TEST(Validate, SaysHowFarPredictionsAreOff) {
  const Scratch scratch;
  write_records(scratch, "h200", 1.25);
  const Result result = gemmetry(validate(scratch, "--all --format json"));
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  const Json& all = answer.at("operators").at(0);
  EXPECT_EQ(all.at("kind"), "gemm");
  EXPECT_EQ(all.at("count"), answer.at("records").at("used"));
  EXPECT_NEAR(all.at("mape"), 0.2, 0.001);
  EXPECT_NEAR(all.at("bias"), -0.2, 0.001);
  std::set<std::string> sizes, alignments;
  for (const Json& row : answer.at("classes")) {
    sizes.insert(row.at("size"));
    alignments.insert(row.at("alignment"));
    EXPECT_NEAR(row.at("p95"), 0.2, 0.001);
  }
  EXPECT_EQ(sizes, (std::set<std::string>{"m <= 64", "64 < m < 1024", "m >= 1024"}));
  EXPECT_EQ(alignments, (std::set<std::string>{"aligned", "by 1"}));
  EXPECT_GT(answer.at("ratios").at("pairs"), 0);
  EXPECT_EQ(answer.at("ratios").at("coverage"), 1);
}

TEST(Validate, JudgesHeldOutSitesUnlessToldOtherwise) {
  const Scratch scratch;
  write_records(scratch, "h200", 1);
  const auto used = [&](const std::string& which) {
    std::int64_t count = 0;
    const Json answer = gemmetry(validate(scratch, which + " --format json")).json();
    for (const Json& row : answer.at("operators")) count += row.at("count").get<std::int64_t>();
    return count;
  };
  EXPECT_EQ(used(""), used("--held-out"));
  EXPECT_GT(used("--held-out"), 0);
  EXPECT_EQ(used("--held-out") + used("--fit"), used("--all"));
}

TEST(Validate, CsvHasARowARecordWithEveryFeature) {
  const Scratch scratch;
  const std::size_t records = write_records(scratch, "h200", 1);
  const std::string csv = gemmetry(validate(scratch, "--all --format csv")).out;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), static_cast<std::ptrdiff_t>(records + 1));
  for (const char* column : {"kind,", ",site,", ",held_out,", ",time_s,", ",predicted_s,", ",structured_s,",
                             ",residual,", ",error_class,", ",feature.log2_m,"})
    EXPECT_NE(csv.substr(0, csv.find('\n')).find(column), std::string::npos) << column;
}

TEST(Validate, TakesACalibrationFromAFile) {
  const Scratch scratch;
  write_records(scratch, "h200", 1);
  const std::string h100 = std::string(GEMMETRY_SOURCE_DIR) + "/data/calibration/h100.json";
  const Json own = gemmetry(validate(scratch, "--all --format json")).json();
  const Json other = gemmetry(validate(scratch, "--all --format json --calibration " + h100)).json();
  EXPECT_LT(own.at("operators").at(0).at("mape"), 1e-4);
  EXPECT_GT(other.at("operators").at(0).at("mape"), 1e-3);
}

TEST(Validate, RefusesMistakes) {
  const Scratch scratch;
  write_records(scratch, "h100", 1);
  expect_refused(validate(scratch, ""), "h200");
  expect_refused("validate --gpu h200", "--records");
  expect_refused(validate(scratch, "--fit --all"), "--all");
  expect_refused("validate --gpu h2000 --records " + scratch.path("records.csv"), "h200");
  expect_refused("validate --records " + scratch.path("absent.csv"), "absent.csv");
  expect_refused("validate --records " + scratch.folder().string() + " --calibration " + scratch.path("records.csv"),
                 "records.csv");
}

}  // namespace
}  // namespace gemmetry::cli
