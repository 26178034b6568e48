#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

constexpr auto heading =
    "kind,batch,m,n,k,dtype,layout,clocks,policy,take,status,time_s,samples,precision,gpu,device,backend,driver,"
    "products,time\n";
constexpr auto origin = ",h200,NVIDIA H200,cuda,580.1,cublasLt 13.1.0,2026-11-22T10:49:03Z\n";

/// A folder of data in which an H200 is recorded, in the place of the sources' own.
class Recorded : public testing::Test {
 protected:
  Recorded() {
    const std::filesystem::path folder = data_.folder() / "measured" / "h200";
    std::filesystem::create_directories(folder / "studies");
    std::filesystem::create_directories(data_.folder() / "measured" / "empty");
    std::ofstream(folder / "products.csv")
        << heading << row("8,16,24,bf16,nt,burst,first,0", "1e-5") << row("8,16,24,bf16,nt,burst,first,1", "2e-5")
        << row("8,16,32,bf16,nt,sustained,first,0", "3e-5");
    std::ofstream(folder / "studies" / "tuned.csv") << heading << row("8,16,40,bf16,nt,burst,tuned,0", "4e-5");
    std::ofstream(folder / "README.md") << "no records\n";
    setenv("GEMMETRY_DATA", data_.folder().c_str(), 1);
  }
  ~Recorded() override { unsetenv("GEMMETRY_DATA"); }

  static std::string row(const std::string& what, const std::string& time_s) {
    return "gemm,1," + what + ",ok," + time_s + ",9,0.01" + origin;
  }

  Scratch data_;
};

const std::string gemm = "measure gemm --m 8 --n 16 --device recorded:h200 --k ";

TEST_F(Recorded, AnswersWhatWasRecorded) {
  const Result result = gemmetry(gemm + "24 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  ASSERT_EQ(answer.at("records").size(), 1u);
  EXPECT_EQ(answer.at("records")[0].at("time_s"), 1e-5);
  EXPECT_EQ(answer.at("device").at("name"), "NVIDIA H200");
  EXPECT_EQ(answer.at("device").at("products"), "cublasLt 13.1.0");
  EXPECT_EQ(answer.at("device").at("recorded").at("records"), 4);
  EXPECT_EQ(answer.at("device").at("recorded").at("first"), "2026-11-22T10:49:03Z");
  EXPECT_EQ(answer.at("recorded"), Json::parse(R"({"asked": 1, "found": 1, "missing": 0})"));
  EXPECT_EQ(answer.at("missing"), Json::array());
  EXPECT_NE(gemmetry(gemm + "24").out.find("4 records of 2026-11-22"), std::string::npos);
  EXPECT_TRUE(gemmetry(gemm + "24 --format csv").out.starts_with("kind,"));
}

TEST_F(Recorded, SaysWhatHasNoRecordAndWhatComesNearest) {
  const Result result = gemmetry(gemm + "24,32,40,48 --format json");
  EXPECT_EQ(result.code, 1) << result.err;
  const Json answer = result.json(), missing = answer.at("missing");
  EXPECT_EQ(answer.at("recorded").at("asked"), 4);
  EXPECT_EQ(answer.at("recorded").at("found"), 1);
  ASSERT_EQ(missing.size(), 3u);
  const char* reasons[] = {"recorded only with --clocks sustained", "recorded only with --algorithm tuned",
                           "no record of these sizes"};
  for (std::size_t i = 0; i < missing.size(); ++i) {
    EXPECT_EQ(missing[i].at("k"), 32 + 8 * i);
    EXPECT_EQ(missing[i].at("reason"), reasons[i]);
  }
  EXPECT_EQ(gemmetry(gemm + "32 --clocks sustained").code, 0);
  EXPECT_EQ(gemmetry(gemm + "40 --algorithm tuned").code, 0);
  EXPECT_EQ(gemmetry(gemm + "24 --launch stream").code, 1);
  const std::string estimate = gemmetry(gemm + "48 --format json").json().at("recorded").at("estimate");
  ASSERT_TRUE(estimate.starts_with("gemmetry gemm 8 16 48")) << estimate;
  EXPECT_EQ(gemmetry(estimate.substr(9)).code, 0) << estimate;
}

TEST_F(Recorded, ALongListIsCutOnScreenOnly) {
  const std::string many = gemm + "1000:1099:1";
  const std::string screen = gemmetry(many).out;
  EXPECT_NE(screen.find("the first 20 of 100"), std::string::npos) << screen;
  EXPECT_EQ(screen.find("k=1020"), std::string::npos) << screen;
  EXPECT_EQ(gemmetry(many + " --format json").json().at("missing").size(), 100u);
}

TEST_F(Recorded, IsListedWithTheDevices) {
  const Json devices = gemmetry("backends --format json").json().at("devices");
  EXPECT_EQ(devices.back().at("device"), "recorded:h200");
  EXPECT_EQ(devices.back().at("records"), 4);
  EXPECT_EQ(devices.back().at("driver"), "580.1");
  EXPECT_NE(gemmetry("completion bash").out.find("recorded:h200"), std::string::npos);
}

TEST_F(Recorded, StandsBesideAPrediction) {
  const Result result = gemmetry("explain" + small_model + " --compare --device recorded:h200 --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("comparison").at("measured_operators"), 0);
  EXPECT_TRUE(result.json().at("operators")[0].at("how").get<std::string>().starts_with("not recorded: "));
  const Result layer = gemmetry("measure layer" + small_model + " --device recorded:h200 --format json");
  EXPECT_EQ(layer.code, 1) << layer.err;
  EXPECT_EQ(layer.json().at("layer").at("measured_operators"), 0);
}

TEST_F(Recorded, MistakesAreOneLineAndExitTwo) {
  expect_refused("measure gemm --m 8 --n 8 --k 8 --device recorded:h20", "recordings of h200; did you mean 'h200'?");
  expect_refused("measure gemm --m 8 --n 8 --k 8 --device recorded:empty", "recordings of h200");
  expect_refused("measure gemm --m 8 --n 8 --k 8 --device recorded", "names no GPU");
  expect_refused("measure gemm --m 8 --n 8 --k 8 --device predict:h200", "measures nothing");
  for (const char* option : {"--db a.db", "--table a.json", "--takes 2", "--retry", "--share 1/2"})
    expect_refused(gemm + "24 " + option, "where nothing is measured: leave it out");
  expect_refused("tune gemm --m 8 --n 8 --k 8 --device recorded:h200", "runs nothing");
  data_.write("measured/h200/wrong.csv", std::string(heading) + row("8,x,24,bf16,nt,burst,first,0", "1e-5"));
  expect_refused(gemm + "24", "wrong.csv:2: column 'n'");
}

TEST_F(Recorded, WithoutTheDataTheExitStatusIsThree) {
  setenv("GEMMETRY_DATA", "/nowhere", 1);
  const Result result = gemmetry(gemm + "24");
  EXPECT_EQ(result.code, 3);
  EXPECT_TRUE(result.one_line_of_error()) << result.err;
  EXPECT_NE(result.err.find("no folder 'measured' in /nowhere"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace gemmetry::cli
