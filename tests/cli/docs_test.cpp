#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "cli/fake_records.h"
#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

std::string document(const std::string& name) { return read_text(std::string(GEMMETRY_SOURCE_DIR) + "/docs/" + name); }

void collect_keys(const nlohmann::ordered_json& value, std::set<std::string>& keys) {
  for (const auto& [key, member] : value.items()) {
    if (value.is_object()) keys.insert(key);
    if (member.is_structured() && key != "variables") collect_keys(member, keys);  // those a study names itself
  }
}

/// The key a number with an interval belongs to: "time_low_s" is an end of "time_s".
std::string without_end(const std::string& key) {
  return std::regex_replace(key, std::regex("_(low|high)(_s)?$"), "$2");
}

/// Every key of the answer, with `--format json`, is in the page.
void expect_documented(const std::string& arguments, const std::string& text) {
  const Result result = gemmetry(arguments + " --format json");
  ASSERT_LE(result.code, 1) << arguments << ": " << result.err;
  std::set<std::string> keys;
  collect_keys(result.json(), keys);
  for (const std::string& key : keys)
    EXPECT_NE(text.find("`" + without_end(key) + "`"), std::string::npos) << arguments << ": " << key;
}

TEST(Docs, EveryJsonKeyIsDocumented) {
  const std::string text = document("json.md");
  for (const char* arguments :
       {"explain mixtral-8x7b",
        "explain gpt3-2.7b --phase training --tp 4 --pp 2 --microbatches 4 --tokens 3e9 --gpus 64",
        "explain gemma-2-2b --phase decode", "explain gpt2 --attention eager", "check gpt3-2.7b",
        "explain gpt2 --adapter lin:8", "advise gpt2 --adapter lora --slowdown 5%", "study show lora_table_1",
        "advise gpt3-2.7b --pareto", "advise mixtral-8x7b --only ffn", "gemm 8192 10922 4096", "models", "gpus",
        "gpus v100", "nodes aws-p4d"})
    expect_documented(arguments, text);
}

TEST(Docs, EveryJsonKeyOfMeasurementsIsDocumented) {
  const Scratch scratch;
  const std::string text = document("json.md"), database = scratch.path("a.db");
  const std::string stop = " --clocks burst --time-cap 20ms --precision 50%", where = " --device cpu --db " + database;
  expect_documented(measure("gemm --m 16 --n 16,2^32 --k 2^16", database), text);
  expect_documented("measure layer" + small_model + quick + " --db " + database, text);
  expect_documented("measure model" + small_model + " --device cpu --time-cap 1ms", text);
  expect_documented("measure decode gpt2 --layers 1 --prompt 4 --new-tokens 2 --device cpu --time-cap 1ms", text);
  const std::string serving =
      " --hidden 48 --layers 1 --heads 4 --vocab 96 --device cpu --dtype fp32 --requests 4"
      " --rate 999 --prompt 4 --new-tokens 6 --slots 2";
  expect_documented("measure serve --verify 1x2 --inject forced:1" + serving, text);
  expect_documented("measure verify --shares 100% --shape 1x2" + serving, text);
  expect_documented("measure verify --grid --shapes 1x2,2x2" + serving, text);
  expect_documented("measure verify --passes 1 --shapes 1x2" + serving, text);
  expect_documented("advise verify gpt2 --requests 4 --prompt 9 --lengths fixed --new-tokens 9", text);
  expect_documented("tune gemm --m 8 --n 8 --k 8" + where, text);
  expect_documented("explain" + small_model + " --compare" + where + stop, text);
  expect_documented("backends", text);
}

TEST(Docs, EveryJsonKeyOfCalibrationsIsDocumented) {
  const Scratch scratch;
  write_records(scratch, "h200", 1.1);
  const std::string text = document("json.md"), records = " --gpu h200 --records " + scratch.path("records.csv");
  expect_documented("validate --all" + records, text);
  expect_documented("calibrate --only gemm --starts 1 --out " + scratch.path("fitted.json") + records, text);
}

TEST(Docs, EveryJsonKeyOfStudiesIsDocumented) {
  const std::string text = document("json.md");
  expect_documented("study list", text);
  expect_documented("study show mlp_h_to_4h --points 4", text);
  expect_documented("study run wave_rule vocabulary --device predict:h200 --points 12", text);
}

TEST(Docs, EveryOptionIsInTheCommandPage) {
  const std::string text = document("cli.md");
  const std::regex option("--[a-z][a-z-]+");
  for (const char* command :
       {"explain",        "check",          "advise",        "gemm",          "predict",
        "measure",        "measure gemm",   "measure layer", "measure model", "measure decode",
        "measure serve",  "measure verify", "advise verify", "tune",          "tune gemm",
        "tune model",     "calibrate",      "validate",      "records",       "records list",
        "records export", "records import", "records merge", "records check", "records executions",
        "study",          "study list",     "study show",    "study run",     "study execute",
        "report",         "backends",       "models",        "gpus",          "nodes",
        "completion"}) {
    EXPECT_NE(text.find(std::string("## gemmetry ") + command + "\n"), std::string::npos) << command;
    const std::string help = gemmetry(std::string(command) + " --help").out;
    for (std::sregex_iterator found(help.begin(), help.end(), option), end; found != end; ++found)
      EXPECT_NE(text.find(found->str()), std::string::npos)
          << command << " " << found->str() << ": make docs/cli.md again";
  }
}

}  // namespace
}  // namespace gemmetry::cli
