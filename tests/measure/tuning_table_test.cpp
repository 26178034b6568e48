#include "gemmetry/measure/tuning_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/measure/operator_json.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::measure {
namespace {

using nlohmann::json;

const op::Gemm square{1, 128, 128, 128};

AlgorithmInfo algorithm(const char* key) {
  AlgorithmInfo info;
  std::snprintf(info.library, sizeof info.library, "cublasLt");
  std::snprintf(info.kernel, sizeof info.kernel, "66");
  std::snprintf(info.key, sizeof info.key, "%s", key);
  info.id = 66;
  info.tile_m = 128;
  info.tile_n = 256;
  info.split_k = -1;
  info.waves = 0.97;
  info.workspace_bytes = std::int64_t{1} << 33;
  return info;
}

TunedAlgorithm entry(const op::Operator& op, const char* key = "best", const char* library = "cublasLt 13.1.0") {
  return {"NVIDIA H200", library, op, algorithm(key), 8.25e-6, algorithm("first"), 1e-5};
}

/// A folder that is gone after the test.
class Scratch {
 public:
  Scratch() { std::filesystem::create_directories(path_); }
  ~Scratch() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("tuning_table_" + std::to_string(getpid()));
};

std::string failure(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TuningTable, FindsWhatWasPut) {
  TuningTable table;
  table.put(entry(square));
  const TunedAlgorithm* found = table.find(square, "NVIDIA H200", "cublasLt 13.1.0");
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(found->best.key, "best");
  EXPECT_EQ(table.find(op::Gemm{1, 128, 128, 129}, "NVIDIA H200", "cublasLt 13.1.0"), nullptr);
  EXPECT_EQ(table.find(square, "NVIDIA H100", "cublasLt 13.1.0"), nullptr);
}

TEST(TuningTable, OtherVersionsOfTheLibraryHaveNoMatch) {
  TuningTable table;
  table.put(entry(square));
  EXPECT_EQ(table.find(square, "NVIDIA H200", "cublasLt 13.1.1"), nullptr);
  table.put(entry(square, "newer", "cublasLt 13.1.1"));
  EXPECT_STREQ(table.find(square, "NVIDIA H200", "cublasLt 13.1.1")->best.key, "newer");
  EXPECT_STREQ(table.find(square, "NVIDIA H200", "cublasLt 13.1.0")->best.key, "best");
}

TEST(TuningTable, ALaterEntryTakesThePlaceOfTheEarlier) {
  TuningTable table, other;
  table.put(entry(square, "old"));
  table.put(entry(op::Gemm{1, 1, 2, 3}, "kept"));
  other.put(entry(square, "new"));
  other.put(entry(op::Norm{7, 8}, "added"));
  table.merge(other);
  table.merge(table);
  EXPECT_EQ(table.entries().size(), 3u);
  EXPECT_STREQ(table.find(square, "NVIDIA H200", "cublasLt 13.1.0")->best.key, "new");
  EXPECT_STREQ(table.find(op::Gemm{1, 1, 2, 3}, "NVIDIA H200", "cublasLt 13.1.0")->best.key, "kept");
  EXPECT_STREQ(table.find(op::Norm{7, 8}, "NVIDIA H200", "cublasLt 13.1.0")->best.key, "added");
}

TEST(TuningTable, ComesBackFromItsFileAsItWas) {
  const Scratch folder;
  const std::string path = folder.file("table.json");
  TuningTable table;
  table.put(entry(square, "quote \" and \\ and \x01"));
  op::Attention attention;
  attention.queries = attention.keys = 4096;
  attention.backward = true;
  table.put(entry(attention));
  table.save(path);
  EXPECT_EQ(folder.files(), 1u);
  const TuningTable loaded = TuningTable::load(path);
  EXPECT_EQ(loaded.text(), table.text());
  const TunedAlgorithm* found = loaded.find(square, "NVIDIA H200", "cublasLt 13.1.0");
  ASSERT_NE(found, nullptr);
  EXPECT_STREQ(found->best.key, "quote \" and \\ and \x01");
  EXPECT_STREQ(found->first.key, "first");
  EXPECT_EQ(found->best.split_k, -1);
  EXPECT_EQ(found->best.workspace_bytes, std::int64_t{1} << 33);
  EXPECT_EQ(found->best.waves, 0.97);
  EXPECT_EQ(found->best_s, 8.25e-6);
  EXPECT_EQ(found->first_s, 1e-5);
  EXPECT_NE(loaded.find(attention, "NVIDIA H200", "cublasLt 13.1.0"), nullptr);
}

TEST(TuningTable, AnEmptyTableIsAFileToo) {
  EXPECT_TRUE(TuningTable::parse(TuningTable().text(), "x").entries().empty());
}

TEST(TuningTable, SavingReplacesTheFile) {
  const Scratch folder;
  const std::string path = folder.file("table.json");
  std::ofstream(path) << "something else";
  TuningTable table;
  table.put(entry(square));
  table.save(path);
  table.put(entry(op::Norm{7, 8}));
  table.save(path);
  EXPECT_EQ(TuningTable::load(path).entries().size(), 2u);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(TuningTable, AFolderThatIsNotThereIsNamed) {
  const Scratch folder;
  const std::string path = folder.file("missing/table.json");
  EXPECT_EQ(failure([&] { TuningTable().save(path); }).rfind(path + ": cannot be written", 0), 0u);
  EXPECT_EQ(failure([&] { TuningTable::load(path); }), path + ": no such file");
  std::filesystem::create_directories(folder.file("folder.json/in"));
  EXPECT_EQ(failure([&] {
              TuningTable().save(folder.file("folder.json"));
            }).rfind(folder.file("folder.json") + ": cannot be written", 0),
            0u);
  EXPECT_EQ(folder.files(), 1u);
}

/// The error of reading a table whose document `edit` has changed.
std::string failure_of(const std::function<void(json&)>& edit) {
  TuningTable table;
  table.put(entry(op::Norm{7, 8}));
  table.put(entry(square));
  json document = json::parse(table.text());
  edit(document);
  return failure([&] { TuningTable::parse(document.dump(), "t.json"); });
}

TEST(TuningTable, BadFilesAreErrorsThatNameThePlace) {
  EXPECT_EQ(failure_of([](json&) {}), "no error");
  const std::vector<std::pair<std::function<void(json&)>, std::string>> cases{
      {[](json& d) { d["format"] = "record"; }, "t.json: key 'format' = \"record\": this is no tuning table"},
      {[](json& d) { d.erase("format"); }, "t.json: key 'format' is missing: this is no tuning table"},
      {[](json& d) { d["version"] = 2; }, "t.json: key 'version' = 2"},
      {[](json& d) { d["entry"] = 2; }, "t.json: unknown key 'entry'"},
      {[](json& d) { d["entries"] = 2; }, "t.json: key 'entries' = 2: expected a list"},
      {[](json& d) { d["entries"][1] = 2; }, "t.json: key 'entries[1]' is number"},
      {[](json& d) { d["entries"][1].erase("gpu"); }, "t.json: key 'entries[1].gpu' is missing"},
      {[](json& d) { d["entries"][1]["best_s"] = -1; }, "t.json: key 'entries[1].best_s' = -1: expected seconds"},
      {[](json& d) { d["entries"][1]["best"]["tile"] = 3; }, "t.json: unknown key 'entries[1].best.tile'"},
      {[](json& d) { d["entries"][1]["best"]["tile_m"] = 3e10; }, "t.json: key 'entries[1].best.tile_m' = 3"},
      {[](json& d) { d["entries"][1]["best"]["key"] = std::string(160, 'k'); },
       "t.json: key 'entries[1].best.key' = \"kkk"},
      {[](json& d) { d["entries"][1]["operator"]["kind"] = "gem"; },
       "t.json: key 'entries[1].operator.kind' = \"gem\""},
      {[](json& d) { d["entries"][1]["operator"].erase("kind"); }, "t.json: key 'entries[1].operator.kind' is missing"},
      {[](json& d) { d["entries"][1]["operator"].erase("m"); }, "t.json: key 'entries[1].operator.m' is missing"},
      {[](json& d) { d["entries"][1]["operator"]["m"] = -4; }, "t.json: key 'entries[1].operator.m' = -4"},
      {[](json& d) { d["entries"][1]["operator"]["m"] = json::array(); }, "t.json: key 'entries[1].operator.m' = []"},
      {[](json& d) { d["entries"][1]["operator"]["layout"] = "tt"; },
       "t.json: key 'entries[1].operator.layout' = \"tt\""},
      {[](json& d) { d["entries"][1]["operator"]["rows"] = 4; }, "t.json: unknown key 'entries[1].operator.rows'"},
      {[](json& d) { d["entries"][0]["operator"]["backward"] = 4; }, "t.json: key 'entries[0].operator.backward' = 4"},
  };
  for (const auto& [edit, expected] : cases) {
    const std::string message = failure_of(edit);
    EXPECT_EQ(message.substr(0, expected.size()), expected) << message;
  }
  EXPECT_NE(failure([] { TuningTable::parse("{\"format\": ", "t.json"); }).find("t.json: not valid JSON"),
            std::string::npos);
}

TEST(OperatorJson, EveryKindComesBack) {
  op::for_each_type([]<class Op>(Op op) {
    // Whole numbers take values of their own, so that none can stand for another.
    std::int64_t next = 2;
    op::for_each_field<Op>([&](const auto& field) {
      auto& member = op.*field.member;
      using Value = std::remove_reference_t<decltype(member)>;
      if constexpr (std::is_same_v<Value, std::int64_t>) member = (next += 3);
      if constexpr (std::is_same_v<Value, double>) member = 0.5 + static_cast<double>(next += 3);
      if constexpr (std::is_same_v<Value, bool>) member = !member;
    });
    const json object = json::parse(operator_to_json(op::Operator(op)).dump());
    EXPECT_EQ(operator_from_json(JsonObject(object, "x")), op::Operator(op)) << object;
  });
}

}  // namespace
}  // namespace gemmetry::measure
