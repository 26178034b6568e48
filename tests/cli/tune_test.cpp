#include <gtest/gtest.h>

#include <set>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Tune, FillsTheTableThatMeasureUses) {
  const Scratch scratch;
  const std::string table = scratch.path("tuned.json"), where = " --device cpu --db " + scratch.path("a.db");
  const std::string sizes = " --m 8 --n 8 --k 8 --batch 1,2", tune = "tune gemm" + sizes + where + " --table " + table;
  const std::string measure = "measure gemm" + sizes + quick + " --db " + scratch.path("a.db") + " --algorithm tuned";
  EXPECT_EQ(gemmetry(measure + " --table " + table).code, 2);
  const Json tuned = gemmetry(tune + " --format json").json();
  ASSERT_EQ(tuned.at("operators").size(), 2u);
  std::string best;
  for (const Json& op : tuned.at("operators")) {
    EXPECT_EQ(op.at("kind"), "gemm");
    EXPECT_GE(op.at("gain"), 1);
    EXPECT_EQ(op.at("present"), false);
    best = op.at("best");
    EXPECT_LE(op.at("best_time_s"), op.at("first_time_s"));
  }
  EXPECT_EQ(tuned.at("tuning").at("table"), table);
  EXPECT_EQ(tuned.at("tuning").at("asked"), 2);
  EXPECT_EQ(tuned.at("tuning").at("tuned"), 2);
  EXPECT_EQ(tuned.at("tuning").at("interrupted"), false);
  EXPECT_GE(tuned.at("tuning").at("mean_gain"), 1);
  const Json again = gemmetry(tune + " --format json").json();
  for (const Json& op : again.at("operators")) EXPECT_EQ(op.at("present"), true);
  EXPECT_TRUE(gemmetry(tune + " --format csv").out.starts_with("kind,"));
  EXPECT_NE(gemmetry(tune).out.find("geometric mean"), std::string::npos);

  const Result measured = gemmetry(measure + " --table " + table + " --format json");
  ASSERT_EQ(measured.code, 0) << measured.err;
  const Json record = measured.json().at("records").at(1);
  EXPECT_EQ(record.at("policy"), "tuned");
  EXPECT_EQ(record.at("algorithm").at("library").get<std::string>() + " " +
                record.at("algorithm").at("kernel").get<std::string>(),
            best);
}

/// A table that prefers what the library would not choose.
TEST(Tune, MeasureTakesTheTablesAlgorithm) {
  const Scratch scratch;
  const std::string table = scratch.path("tuning.json"), database = scratch.path("a.db");
  ASSERT_EQ(gemmetry("tune gemm --m 8 --n 8 --k 8 --device cpu --db " + database).code, 0);
  Json content = Json::parse(read_text(table));
  const std::string first = content.at("entries").at(0).at("first").at("key");
  const std::string other = first == "loops" ? "openblas" : "loops";
  content["entries"][0]["best"]["key"] = other;
  scratch.write("tuning.json", content.dump());
  const Result result = gemmetry(measure("gemm --m 8 --n 8 --k 8", database) + " --algorithm tuned --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.json().at("records").at(0).at("algorithm").at("key"), other);
}

TEST(Tune, ProcessesFillOneTable) {
  const Scratch scratch;
  const std::string sizes = "tune gemm --m 8 --n 8:48:8 --k 8 --device cpu --db " + scratch.path("a.db");
  const std::string part = "OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=", program = " " GEMMETRY_BINARY " " + sizes;
  const Result both = gemmetry("--version >/dev/null; { " + part + "0" + program + " & " + part + "1" + program +
                               "; status=$?; wait $!; exit $((status + $?)); }");
  ASSERT_EQ(both.code, 0) << both.err;
  const Json table = Json::parse(read_text(scratch.path("tuning.json")));
  EXPECT_EQ(table.at("entries").size(), 6u);
  const Json tuned = gemmetry(sizes + " --format json").json();
  for (const Json& op : tuned.at("operators")) EXPECT_EQ(op.at("present"), true);
}

TEST(Tune, TunesEveryProductOfAModelOnce) {
  const Scratch scratch;
  const Result result =
      gemmetry("tune model" + small_model + " --phase forward --device cpu --format json --db " + scratch.path("a.db"));
  ASSERT_EQ(result.code, 0) << result.err;
  std::set<std::string> sizes;
  const Json tuned = result.json();
  for (const Json& op : tuned.at("operators"))
    EXPECT_TRUE(sizes.insert(op.at("n").dump() + " " + op.at("k").dump()).second) << op;
  EXPECT_TRUE(sizes.contains("48 16"));
  EXPECT_TRUE(sizes.contains("16 64"));
}

}  // namespace
}  // namespace gemmetry::cli
