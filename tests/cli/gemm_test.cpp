#include <gtest/gtest.h>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

using Json = nlohmann::ordered_json;

TEST(Gemm, TellsTimeTilesAndWaves) {
  const Json answer = gemmetry("gemm 8192 8192 8192 --format json").json();
  const Json& gemm = answer.at("gemm");
  EXPECT_EQ(gemm.at("m"), 8192);
  EXPECT_EQ(gemm.at("flop").get<double>(), 2.0 * 8192 * 8192 * 8192);
  EXPECT_GE(gemm.at("waves"), 1);
  EXPECT_GT(gemm.at("last_wave_use"), 0);
  EXPECT_LE(gemm.at("last_wave_use"), 1);
  EXPECT_EQ(gemm.at("power_of_two"), 8192);
  EXPECT_LT(gemm.at("time_low_s"), gemm.at("time_s"));
}

TEST(Gemm, NamesTheNeighbourWorthTaking) {
  const Json answer = gemmetry("gemm 8192 10922 4096 --gpu h200 --format json").json();
  bool found = false;
  for (const Json& neighbour : answer.at("neighbours")) {
    EXPECT_LE(neighbour.at("gain_low"), neighbour.at("gain"));
    if (neighbour.at("size") != "n" || neighbour.at("value") != 10928) continue;
    found = true;
    EXPECT_GT(neighbour.at("gain"), 1.3);
    EXPECT_NE(neighbour.at("sentence").get<std::string>().find("n=10928: "), std::string::npos);
    EXPECT_NE(neighbour.at("sentence").get<std::string>().find("faster for 6 more columns"), std::string::npos);
  }
  EXPECT_TRUE(found) << answer.at("neighbours");
}

TEST(Gemm, DrawsTheWaves) {
  const std::string text = gemmetry("gemm 8192 8192 8192 --gpu h200").out;
  EXPECT_NE(text.find("■"), std::string::npos);
  EXPECT_NE(text.find("of 132 SMs"), std::string::npos);
}

TEST(Gemm, TakesBatchLayoutAndDtype) {
  const Json gemm = gemmetry("gemm 2048 2048 80 --batch 128 --layout nn --dtype fp16 --format json").json().at("gemm");
  EXPECT_EQ(gemm.at("batch"), 128);
  EXPECT_EQ(gemm.at("layout"), "nn");
  EXPECT_EQ(gemm.at("dtype"), "fp16");
}

TEST(Gemm, TakesFp16WhereTheGpuHasNoBf16) {
  EXPECT_EQ(gemmetry("gemm 512 512 512 --gpu v100 --format json").json().at("gemm").at("dtype"), "fp16");
  EXPECT_EQ(gemmetry("explain gpt2 --gpu v100 --format json").json().at("workload").at("dtype"), "fp16");
}

TEST(Gemm, AnUnsupportedDtypeIsSaid) {
  const Result result = gemmetry("gemm 512 512 512 --dtype bf16 --gpu v100");
  EXPECT_EQ(result.code, 2);
  EXPECT_TRUE(result.one_line_of_error()) << result.err;
  EXPECT_NE(result.err.find("bf16"), std::string::npos);
}

TEST(Catalogues, ListAndShow) {
  const Json models = gemmetry("models --format json").json().at("models");
  EXPECT_GT(models.size(), 30u);
  for (const Json& model : models) EXPECT_GT(model.at("parameters"), 0) << model;
  EXPECT_EQ(gemmetry("models gpt3-2.7b --format json").json().at("model").at("heads"), 32);

  const Json gpus = gemmetry("gpus --format json").json().at("gpus");
  EXPECT_GE(gpus.size(), 10u);
  const Json h200 = gemmetry("gpus h200 --format json").json();
  EXPECT_EQ(h200.at("gpu").at("sms"), 132);
  EXPECT_FALSE(h200.at("sources").empty());
  EXPECT_FALSE(h200.at("alignment").empty());
  EXPECT_EQ(gemmetry("nodes aws-p4d --format json").json().at("node").at("gpus"), 8);
}

TEST(Catalogues, TakeAUsersOwnGpu) {
  const Scratch scratch;
  const std::string file = std::string(GEMMETRY_SOURCE_DIR) + "/data/gpus/h200.json";
  EXPECT_EQ(gemmetry("gemm 512 512 512 --gpu " + file).code, 0);
  const Result result = gemmetry("gpus " + scratch.write("mine.json", "{\"name\": \"mine\"}"));
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("mine.json"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace gemmetry::cli
