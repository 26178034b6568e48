#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

constexpr auto adapters = R"({
  "title": "Adapters", "source": "nowhere", "axes": {"s": "4,8", "r": "0,2"},
  "model": {"sizes": {"hidden": "16", "layers": "2", "heads": "2", "vocab": "24", "positions_max": "16",
                      "adapter": "houlsby", "adapter_rank": "r"},
            "workload": {"phase": "forward", "batch": "1", "sequence": "s", "dtype": "fp32", "attention": "unfused"},
            "part": "model", "whole": true},
  "baseline": {"r": "0"}, "series": [{"label": "graph"}, {"label": "stream", "launch": "stream"}],
  "chart": {"x": "s", "y": "slowdown", "mark": "heatmap", "row": "r"}
})";

constexpr auto shares = R"({
  "title": "Shares", "source": "nowhere", "axes": {"s": "4,8"},
  "model": {"sizes": {"hidden": "16", "layers": "2", "heads": "2", "vocab": "24", "positions_max": "16"},
            "workload": {"phase": "forward", "batch": "1", "sequence": "s", "dtype": "fp32", "attention": "unfused"},
            "part": "QKV Transform", "of": "layer", "whole": true},
  "series": [{"label": "QKV"}, {"label": "MLP", "part": "MLP h to 4h + MLP 4h to h"}],
  "chart": {"x": "s", "y": "share", "mark": "bars"}
})";

void replace(std::string& text, const std::string& from, const std::string& to) {
  ASSERT_NE(text.find(from), std::string::npos) << from;
  text.replace(text.find(from), from.size(), to);
}

/// A folder of data in which an H200 is recorded, with executions of the tests' own.
class Executed : public testing::Test {
 protected:
  Executed()
      : adapters_(scratch_.write("adapters.json", adapters)),
        shares_(scratch_.write("shares.json", shares)),
        file_(scratch_.path("executions/h200.csv")) {
    std::filesystem::create_directories(scratch_.folder() / "measured" / "h200");
    std::ofstream(scratch_.folder() / "measured" / "h200" / "products.csv")
        << "kind,batch,m,n,k,dtype,layout,clocks,policy,take,status,time_s,samples,precision,gpu,device,backend,driver,"
           "products,time\ngemm,1,8,16,24,bf16,nt,burst,first,0,ok,1e-5,9,0.01,h200,NVIDIA H200,cuda,580.1,"
           "cublasLt 13.1.0,2026-11-22T10:49:03Z\n";
    setenv("GEMMETRY_DATA", scratch_.folder().c_str(), 1);
  }
  ~Executed() override { unsetenv("GEMMETRY_DATA"); }

  Result execute(const std::string& arguments) const {
    return gemmetry("study execute " + arguments + " --device cpu --time-cap 5ms --trials 6 --format json --csv " +
                    file_);
  }
  static Json shown(const std::string& study) {
    return gemmetry("study show " + study + " --device recorded:h200 --format json").json();
  }

  Scratch scratch_;
  std::string adapters_, shares_, file_;
};

TEST_F(Executed, EachPointIsExecutedOnceAndAnswersFromTheFile) {
  EXPECT_EQ(shown(adapters_)["devices"][0]["missing"], 8);
  const Result first = execute(adapters_ + " " + shares_);
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.json()["summary"]["executed"], 10) << "two series of shares are of the same layers";
  EXPECT_EQ(first.json()["summary"]["left"], 0);
  const Result again = execute(adapters_ + " " + shares_);
  EXPECT_EQ(again.json()["summary"]["present"], 10) << again.err;
  EXPECT_EQ(again.json()["summary"]["executed"], 0);

  const Json slow = shown(adapters_);
  EXPECT_EQ(slow["devices"][0]["missing"], 0);
  for (const Json& point : slow["points"]) {
    EXPECT_GT(point["time_s"], 0);
    EXPECT_LE(point["slowdown_low"], point["slowdown"]);
  }
  const Json share = shown(shares_);
  for (const Json& point : share["points"]) {
    EXPECT_GT(point["share"], 0);
    EXPECT_LT(point["share"], 1);
  }
}

TEST_F(Executed, GoesOnWhereItEnded) {
  EXPECT_EQ(execute(adapters_ + " --points 2").json()["summary"]["executed"], 4);
  EXPECT_EQ(execute(adapters_).json()["summary"]["executed"], 4);
  const Result none = execute(shares_ + " --time-budget 0.001ms");
  EXPECT_EQ(none.json()["summary"]["left"], 2) << none.err;
}

TEST_F(Executed, WhatDoesNotRunIsARowWithItsReason) {
  std::string study = shares;
  replace(study, R"("forward")", R"("training")");
  replace(study, R"("part": "QKV Transform", "of": "layer")", R"("part": "model")");
  replace(study, R"(, {"label": "MLP", "part": "MLP h to 4h + MLP 4h to h"})", "");
  replace(study, R"("share")", R"("time")");
  const std::string training = scratch_.write("training.json", study);
  const Result result = execute(training);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json()["summary"]["skipped"], 2);
  EXPECT_NE(read_text(file_).find("cannot be executed yet: a training step"), std::string::npos);
  const Json point = shown(training)["points"][0];
  EXPECT_TRUE(point["time_s"].is_null());
  EXPECT_NE(point["how"].get<std::string>().find("a training step"), std::string::npos);
  EXPECT_EQ(execute(training).json()["summary"]["present"], 2);
  EXPECT_EQ(execute(training + " --retry").json()["summary"]["skipped"], 2);
}

TEST_F(Executed, MistakesAreOneLine) {
  const std::string to = " --device cpu --csv " + file_;
  expect_refused("study execute vocabulary" + to, "is of operators");
  expect_refused("study execute " + shares_, "--csv");
  expect_refused("study execute figure_13 figure_13" + to, "named twice");
  ASSERT_EQ(execute(shares_).code, 0);
  const std::string good = read_text(file_);
  const auto expect_wrong = [&](const std::string& from, const std::string& into, const std::string& says) {
    std::string wrong = good;
    replace(wrong, from, into);
    std::ofstream(file_) << wrong;
    expect_refused("study execute " + shares_ + to, says);
    expect_refused("study show " + shares_ + " --device recorded:h200", says);
  };
  expect_wrong("# ", "", "h200.csv:1: there is no comment");
  expect_wrong("backend=", "bakend=", "'bakend=cpu' is none of");
  expect_wrong("low_s", "lowest_s", "h200.csv:2: unknown column 'lowest_s'");
  expect_wrong("burst", "bursts", "h200.csv:3: column 'clocks'");
  expect_wrong(",ok,", ",fine,", "h200.csv:3: column 'status'");
  std::string other = good;
  replace(other, "backend=cpu", "backend=gpu");
  std::ofstream(file_) << other;
  expect_refused("study execute " + shares_ + to, "name another file for --csv");
}

}  // namespace
}  // namespace gemmetry::cli
