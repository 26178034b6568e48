#include <gtest/gtest.h>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Executions, ARunOfAModelIsStoredListedAndImported) {
  const Scratch scratch;
  const std::string database = " --db " + scratch.path("a.db");
  const Result run = gemmetry("measure model" + small_model + " --device cpu --dtype fp32 --time-cap 1ms" + database);
  ASSERT_EQ(run.code, 0) << run.err;
  const Json listed = gemmetry("records executions --format json" + database).json().at("executions");
  ASSERT_EQ(listed.size(), 1u);
  const Json& record = listed[0];
  EXPECT_EQ(record.at("run"), "model");
  EXPECT_EQ(record.at("workload"), "forward b=1 s=4 fp32");
  EXPECT_EQ(record.at("status"), "ok");
  EXPECT_GT(record.at("time_s"), 0);
  EXPECT_GT(record.at("modules").at("qkv_transform"), 0);
  EXPECT_NE(gemmetry("records executions" + database).out.find("forward b=1 s=4 fp32"), std::string::npos);

  const std::string page = read_text(std::string(GEMMETRY_SOURCE_DIR) + "/docs/json.md");
  for (const auto& [key, value] : record.items())
    EXPECT_NE(page.find("`" + key + "`"), std::string::npos) << key << " is in no table of docs/json.md";

  const std::string file =
      scratch.write("a.csv",
                    "# gpu=h200; tool=0.1.0\nrun,model,workload,clocks,launch,status,time_s,samples\n"
                    "layer,h=8,forward b=1 s=4 bf16,burst,graph,ok,0.5,7\n");
  const Result taken = gemmetry("records import " + file + database + " --format json");
  ASSERT_EQ(taken.code, 0) << taken.err;
  EXPECT_EQ(taken.json().at("files")[0].at("added"), 1);
  EXPECT_EQ(gemmetry("records import " + file + database + " --format json").json().at("files")[0].at("present"), 1);
  EXPECT_EQ(gemmetry("records executions --format json" + database).json().at("executions").size(), 2u);
}

TEST(Executions, AnAnswerIsStoredWithItsPrompt) {
  const Scratch scratch;
  const std::string database = " --db " + scratch.path("a.db");
  const Result run = gemmetry("measure decode --hidden 16 --layers 2 --heads 2 --vocab 24 --dtype fp32 --device cpu" +
                              std::string(" --prompt 4 --new-tokens 3 --batch 2 --time-cap 1ms") + database);
  ASSERT_EQ(run.code, 0) << run.err;
  const Json record = gemmetry("records executions --format json" + database).json().at("executions").at(0);
  EXPECT_EQ(record.at("run"), "answer");
  EXPECT_EQ(record.at("workload"), "answer b=2 s=4 new=3 fp32");
  EXPECT_LT(record.at("prompt_s"), record.at("time_s"));
}

TEST(Executions, MistakesAreOneLine) {
  const Scratch scratch;
  expect_refused("records executions --db " + scratch.path("none.db"), "there is no such file");
  const std::string file = scratch.write("a.csv", "# gpu=h200\nrun,model\nlayr,h=8\n");
  expect_refused("records import " + file + " --db " + scratch.path("a.db"), "run 'layr' is unknown");
}

}  // namespace
}  // namespace gemmetry::cli
