#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

constexpr std::string_view header =
    "kind,m,n,k,clocks,status,reason,time_s,p10_s,p90_s,samples,precision,clock_mhz,algorithm.library,algorithm.id,"
    "algorithm.tile_m,algorithm.tile_n,gpu,products,tool,held_out\n";
constexpr std::string_view good =
    "gemm,4096,4096,4096,burst,ok,,2e-4,1.9e-4,2.1e-4,9,0.01,1980,cublasLt,66,128,256,h200,cublasLt "
    "13.1.0,0.1.0,false\n"
    "gemm,8192,4096,4096,burst,ok,,4e-4,3.9e-4,4.1e-4,9,0.01,1700,cublasLt,66,128,256,h200,cublasLt "
    "13.1.0,0.1.0,false\n"
    "gemm,512,11008,4096,burst,skipped,no memory,,,,,,,,,,,h200,cublasLt 13.1.0,0.1.0,true\n";

struct Bench {
  Scratch scratch;

  std::string file(const std::string& name, std::string_view rows) const {
    return scratch.write(name, std::string(header) + std::string(rows));
  }
  Result check(const std::string& arguments) const { return gemmetry("records check " + arguments); }
};

using Json = nlohmann::ordered_json;

std::multiset<std::string> whats(const Json& answer) {
  std::multiset<std::string> words;
  for (const Json& finding : answer["findings"]) words.insert(finding["what"].get<std::string>());
  return words;
}

TEST(RecordsCheck, IsWellWithGoodFiles) {
  const Bench bench;
  const std::string file = bench.file("a.csv", good);
  const Result result = bench.check(file + " --format json");
  EXPECT_EQ(result.code, 0) << result.err;
  const Json answer = result.json();
  EXPECT_EQ(answer["findings"].size(), 0u);
  ASSERT_EQ(answer["notes"].size(), 2u);
  EXPECT_EQ(answer["notes"][0]["what"], "clocks");
  EXPECT_EQ(answer["notes"][0]["line"], 3);
  EXPECT_EQ(answer["notes"][1]["why"], "no memory");
  EXPECT_EQ(answer["notes"][1]["records"], 1);
  ASSERT_EQ(answer["files"].size(), 1u);
  EXPECT_EQ(answer["files"][0]["file"], file);
  EXPECT_EQ(answer["files"][0]["records"], 3);
  EXPECT_EQ(answer["files"][0]["skipped"], 1);
  EXPECT_EQ(answer["files"][0]["held_out"], 1);
  EXPECT_EQ(answer["files"][0]["steps"], 1);
  EXPECT_EQ(answer["files"][0]["falls"], 0.0);
}

TEST(RecordsCheck, FindsWhatIsWrongWithFileAndLine) {
  const Bench bench;
  const std::string first = bench.file("a.csv", good);
  const std::string second = bench.file(
      "b.csv",
      "gemm,4096,4096,4096,burst,ok,,2e-4,1.9e-4,2.1e-4,9,0.01,1980,cublasLt,66,128,256,h200,cublasLt "
      "13.1.0,0.1.0,false\n"
      "gemm,4096,x,4096,burst,ok,,2e-4,1.9e-4,2.1e-4,9,0.01,1980,cublasLt,66,128,256,h200,cublasLt 13.1.0,0.1.0,false\n"
      "gemm,4096,8192,4096\n"
      "gemm,512,4096,4096,burst,failed,wrong,,,,,,,,,,,h200,cublasLt 13.1.0,0.1.0,true\n"
      "gemm,16384,4096,4096,burst,ok,,2e-4,1.9e-4,2.1e-4,9,0.01,1980,cublasLt,,,,h200,cublasLt 13.1.0,0.1.0,maybe\n"
      "gemm,16384,4096,4096,burst,ok,,2e-4,1.9e-4,2.1e-4,9,0.01,1980,cublasLt,,,,h200,cublasLt 13.1.0,0.1.0,\n");
  const Result result = bench.check(first + " " + second + " --format json");
  EXPECT_EQ(result.code, 1) << result.err;
  const Json answer = result.json();
  EXPECT_EQ(whats(answer), (std::multiset<std::string>{"above peak", "algorithm", "duplicate", "failed", "falls",
                                                       "held out", "schema", "schema", "schema", "schema"}))
      << result.out;
  for (const Json& finding : answer["findings"]) EXPECT_EQ(finding["file"], second);
  EXPECT_EQ(answer["findings"][0]["line"], 2);
  EXPECT_EQ(answer["findings"][1]["line"], 3);
  EXPECT_NE(answer["findings"][1]["why"].get<std::string>().find("column 'n': n = 'x'"), std::string::npos);
  EXPECT_TRUE(answer["findings"][2]["why"].get<std::string>().starts_with("4 cells")) << result.out;
  EXPECT_EQ(answer["files"][1]["findings"], 10);
}

TEST(RecordsCheck, WhatIsNoFileOfRecordsIsFound) {
  const Bench bench;
  const std::pair<std::string, const char*> files[] = {
      {"", "there is no heading line"},
      {"kind,m,n,k,statis\ngemm,8,8,8,ok\n", "did you mean 'status'?"},
      {"m,n,k\n8,8,8\n", "column 'kind' is missing"},
      {"kind,m,n,k,status,reason\ngemm,8,8,8,skipped,why\n", "column 'held_out' is missing"},
      {std::string(header) + "\"gemm,8", "never closed"},
  };
  for (const auto& [text, says] : files) {
    const Result result = bench.check(bench.scratch.write("a.csv", text) + " --format json");
    EXPECT_EQ(result.code, 1) << text << result.err;
    ASSERT_EQ(result.json()["findings"].size(), 1u) << result.out;
    EXPECT_NE(result.out.find(says), std::string::npos) << result.out;
  }
  std::string rubbish(header);
  for (int i = 0; i < 1000; ++i) rubbish += "rubbish\n";
  EXPECT_EQ(bench.check(bench.scratch.write("a.csv", rubbish) + " --format json").json()["findings"].size(), 100u);
}

TEST(RecordsCheck, EveryFormatShowsIt) {
  const Bench bench;
  const std::string wrong = bench.file("a.csv", std::string(good) + std::string(good));
  for (const char* format : {"table", "json", "csv", "markdown"}) {
    const Result result = bench.check(wrong + " --format " + format);
    EXPECT_EQ(result.code, 1) << result.err;
    EXPECT_NE(result.out.find("duplicate"), std::string::npos) << format;
  }
  const Result fine = bench.check(bench.file("b.csv", good));
  EXPECT_EQ(fine.code, 0);
  EXPECT_EQ(fine.out.find("wrong"), std::string::npos) << fine.out;
  EXPECT_EQ(bench.check("- < " + bench.scratch.path("b.csv")).code, 0);
}

TEST(RecordsCheck, MistakesOfTheCommandLine) {
  const Bench bench;
  expect_refused("records check", "FILE");
  expect_refused("records check /no/such.csv", "/no/such.csv");
  expect_refused("records check " + bench.scratch.path(""), "is a directory");
}

TEST(RecordsCheck, TakesWhatACompactExportWrites) {
  const Bench bench;
  const std::string db = bench.scratch.path("a.db"), out = bench.scratch.path("out.csv");
  ASSERT_EQ(gemmetry("records import " + bench.file("a.csv", good) + " --db " + db).code, 0);
  ASSERT_EQ(gemmetry("records export --compact --db " + db + " --out " + out).code, 0);
  const Result result = bench.check(out);
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

/// The keys of the answer are in the page on JSON.
TEST(RecordsCheck, EveryKeyIsDocumented) {
  const Bench bench;
  const std::string text = read_text(std::string(GEMMETRY_SOURCE_DIR) + "/docs/json.md");
  const Json answer = bench.check(bench.file("a.csv", std::string(good) + std::string(good)) + " --format json").json();
  for (const char* section : {"findings", "notes", "files"}) {
    EXPECT_NE(text.find("`" + std::string(section) + "`"), std::string::npos) << section;
    ASSERT_FALSE(answer[section].empty());
    for (const auto& [key, value] : answer[section][0].items())
      EXPECT_NE(text.find("`" + key + "`"), std::string::npos) << section << " " << key;
  }
}

/// The records that come with the source.
TEST(RecordsCheck, FindsNothingInTheDataOfThisProject) {
  const std::filesystem::path folder = std::filesystem::path(GEMMETRY_SOURCE_DIR) / "data/measured";
  std::string files;
  if (std::filesystem::exists(folder))
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      if (entry.path().extension() == ".csv") files += " '" + entry.path().string() + "'";
  if (files.empty()) return;
  const Result result = gemmetry("records check --format csv" + files);
  EXPECT_EQ(result.code, 0) << result.out.substr(0, 10000) << result.err;
}

}  // namespace
}  // namespace gemmetry::cli
