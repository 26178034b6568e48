#include <gtest/gtest.h>

#include <set>

#include "cli/program.h"

namespace gemmetry::cli {
namespace {

constexpr auto csv =
    "kind,m,n,k,layout,rows,width,clocks,status,reason,time_s,p10_s,p90_s,samples,precision,samples_s,algorithm.tile_m,"
    "error,gpu,products,tool,command\n"
    "gemm,8,16,32,tn,,,sustained,ok,,3.3333333333333333e-7,1e-7,5e-7,3,0.01,1e-7 3.3333333333333333e-7 5e-7,128,0.5,"
    "h200,cublasLt 13.1.0,0.1.0,\"gemmetry measure gemm --m 8,16\"\n"
    "norm,,,,,64,128,burst,skipped,\"\"\"no\"\" memory, \n  none \",,,,,,,,,h200,,0.1.0,\n"
    "gemm,9007199254740,1,1,,,,burst,failed, wrong ,,,,,,,,,a100-80gb,cublasLt 12,0.1.0,\n";

/// A folder with a database of the records above.
struct Bench {
  Scratch scratch;
  std::string db = scratch.path("a.db");
  Result imported = gemmetry("records import " + scratch.write("a.csv", csv) + " --db " + db);

  Result records(const std::string& arguments) const { return gemmetry("records " + arguments + " --db " + db); }
};

TEST(Records, ExportAndImportGiveTheSameBytes) {
  const Bench bench;
  ASSERT_EQ(bench.imported.code, 0) << bench.imported.err;
  for (const char* samples : {"", " --samples"}) {
    const Result first = bench.records(std::string("export") + samples);
    ASSERT_EQ(first.code, 0) << first.err;
    const std::string file = bench.scratch.write("out.csv", first.out);
    const std::string other = bench.scratch.path(samples[0] ? "b.db" : "c.db");
    const Result imported = gemmetry("records import '" + file + "' --format json --db '" + other + "'");
    ASSERT_EQ(imported.code, 0) << imported.err;
    EXPECT_EQ(imported.json()["files"][0]["added"], 3);
    EXPECT_EQ(gemmetry(std::string("records export") + samples + " --db '" + other + "'").out, first.out);
    EXPECT_NE(first.out.find("3.3333333333333335e-07"), std::string::npos) << first.out;
    EXPECT_EQ(first.out.find("samples_s") != std::string::npos, samples[0] != 0);
  }
}

TEST(Records, JsonHasNumbersListsAndNulls) {
  const Bench bench;
  const auto records = bench.records("export --samples --format json").json()["records"];
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0]["samples_s"].size(), 3u);
  EXPECT_EQ(records[0]["algorithm"]["tile_m"], 128);
  EXPECT_EQ(records[0]["power_w"], nullptr);
  EXPECT_EQ(records[0]["layout"], "tn");
  EXPECT_EQ(records[0]["reason"], nullptr);  // of the library's first choice
  EXPECT_FALSE(records[1].contains("time_s"));
  EXPECT_FALSE(records[1].contains("layout"));
  EXPECT_EQ(records[1]["reason"], "\"no\" memory, \n  none ");
  EXPECT_EQ(records[2]["m"], 9007199254740);
  EXPECT_EQ(records[2]["reason"], "wrong");
}

TEST(Records, FiltersChoose) {
  const Bench bench;
  const auto count = [&](const std::string& filter) {
    return bench.records("list --format json " + filter).json()["records"].size();
  };
  EXPECT_EQ(count(""), 3u);
  EXPECT_EQ(count("--kind gemm"), 2u);
  EXPECT_EQ(count("--kind gemm --status failed"), 1u);
  EXPECT_EQ(count("--gpu h200"), 2u);
  EXPECT_EQ(count("--clocks sustained"), 1u);
  EXPECT_EQ(count("--gpu h100"), 0u);
  EXPECT_EQ(count("--dtype bf16"), 3u);
  EXPECT_EQ(count("--dtype fp16"), 0u);
  EXPECT_EQ(count("--kind gemm --policy first"), 2u);
  EXPECT_EQ(count("--policy tuned"), 0u);
}

TEST(Records, CompactExportAndImportGiveTheSameBytes) {
  const Bench bench;
  const Result first = bench.records("export --compact");
  ASSERT_EQ(first.code, 0) << first.err;
  const std::string other = bench.scratch.path("b.db");
  const Result imported = gemmetry("records import " + bench.scratch.write("out.csv", first.out) + " --db " + other);
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_EQ(gemmetry("records export --compact --db " + other).out, first.out);
  EXPECT_EQ(bench.records("export --compact").out, first.out);
}

TEST(Records, CompactLeavesOutWhatIsNotKept) {
  const Bench bench;
  const std::string text = bench.records("export --compact").out;
  const std::string heading = text.substr(0, text.find('\n'));
  EXPECT_TRUE(heading.starts_with("kind,batch,m,n,k,")) << heading;
  EXPECT_TRUE(heading.ends_with(",held_out")) << heading;
  for (const char* column : {"samples_s", "command", "power_w", "vocab"})
    EXPECT_EQ(heading.find(column), std::string::npos) << column;
  EXPECT_NE(text.find(",3.33333e-07,1e-07,5e-07,3,"), std::string::npos) << text;
  EXPECT_NE(text.find("9007199254740"), std::string::npos) << text;
  const auto records = bench.records("export --compact --format json").json()["records"];
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0]["m"], 8);
  EXPECT_EQ(records[0]["held_out"].is_boolean(), true);
  EXPECT_EQ(records[1]["m"], 9007199254740);
  EXPECT_EQ(records[2]["kind"], "norm");
  expect_refused("records export --compact --samples --db " + bench.db, "--compact");
}

TEST(Records, CompactKeepsAnOperatorsRealNumbers) {
  const Scratch scratch;
  const std::string db = scratch.path("a.db");
  const std::string file = scratch.write(
      "a.csv", "kind,elements,read_bytes,write_bytes,status,reason\npointwise,64,2.0000001,4,skipped,no\n");
  ASSERT_EQ(gemmetry("records import " + file + " --db " + db).code, 0);
  EXPECT_EQ(gemmetry("records export --compact --format json --db " + db).json()["records"][0]["read_bytes"],
            2.0000001);
}

TEST(Records, EveryFormatShowsThem) {
  const Bench bench;
  for (const char* format : {"table", "json", "csv", "markdown"}) {
    const Result result = bench.records(std::string("list --format ") + format);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_NE(result.out.find("h200"), std::string::npos) << format;
    EXPECT_EQ(bench.records(std::string("list --kind softmax --format ") + format).code, 0) << format;
  }
  EXPECT_NE(bench.records("list").out.find("8 x 16 x 32"), std::string::npos);
}

TEST(Records, ImportAndMergeKeepWhatIsThere) {
  const Bench bench;
  const std::string file = bench.scratch.path("a.csv");
  const auto again = bench.records("import " + file + " --format json").json()["files"][0];
  EXPECT_EQ(again["added"], 0);
  EXPECT_EQ(again["present"], 3);
  std::string slower = csv;
  slower.replace(slower.find("3.3333333333333333e-7"), 21, "4.4444444444444444e-7");
  slower.replace(slower.find("9007199254740"), 13, "42");
  const std::string other = bench.scratch.path("b.db");
  ASSERT_EQ(gemmetry("records import " + bench.scratch.write("b.csv", slower) + " --db " + other).code, 0);
  const auto merged = bench.records("merge " + other + " --format json").json()["files"][0];
  EXPECT_EQ(merged["added"], 1);
  EXPECT_EQ(merged["present"], 1);
  EXPECT_EQ(merged["conflicting"], 1);
  EXPECT_EQ(bench.records("list --format json").json()["records"].size(), 4u);
}

TEST(Records, ImportTakesStandardInput) {
  const Bench bench;
  const Result result = gemmetry("records export --db " + bench.db + " | " + GEMMETRY_BINARY +
                                 " records import - --db " + bench.scratch.path("c.db"));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(gemmetry("records list --format json --db " + bench.scratch.path("c.db")).json()["records"].size(), 3u);
}

TEST(Records, MistakesNameFileLineAndColumn) {
  const Bench bench;
  const std::pair<const char*, const char*> mistakes[] = {
      {"kind,m,n,k\ngemm,8,8,8\ngemm,8,x,8\n", ":3: column 'n': n = 'x'"},
      {"kind,m,n,k\ngem,8,8,8\n", ":2: column 'kind': operator = 'gem'"},
      {"kind,m,n,k\ngemm,8,,8\n", ":2: column 'n': gemm needs it"},
      {"kind,rows,width,k\nnorm,8,8,8\n", ":2: column 'k': k = '8'"},
      {"kind,m,n,k,statis\ngemm,8,8,8,ok\n", ":1: column 'statis' is no field of a record; did you mean 'status'?"},
      {"m,n,k\n8,8,8\n", ":1: column 'kind' is missing"},
      {"kind,m,n,k\ngemm,8,8\n", ":2: 3 cells under 4 columns"},
      {"kind,queries,keys,heads,kv_heads,head_dim\nattention,8,8,6,4,64\n", ":2: heads = 6"},
      {"", ":1: there is no heading line"},
  };
  for (const auto& [text, says] : mistakes) {
    const std::string file = bench.scratch.write("wrong.csv", text);
    const Result result = bench.records("import " + file);
    EXPECT_EQ(result.code, 2) << text;
    EXPECT_TRUE(result.one_line_of_error()) << result.err;
    EXPECT_NE(result.err.find(file + says), std::string::npos) << result.err;
  }
  EXPECT_EQ(bench.records("list --format json").json()["records"].size(), 3u);
}

TEST(Records, OtherMistakesAreOneLineToo) {
  const Bench bench;
  const std::pair<std::string, const char*> mistakes[] = {
      {"list --db " + bench.scratch.path("none.db"), "there is no such file"},
      {"list --db " + bench.scratch.path("a.csv"), "is no database of gemmetry's"},
      {"list --db " + bench.scratch.path(""), "folder"},
      {"list --status well", "'well'"},
      {"list --kind gem", "did you mean 'gemm'?"},
      {"import /no/such.csv --db " + bench.db, "/no/such.csv"},
      {"import --db " + bench.db, "FILE"},
      {"merge /no/such.db --db " + bench.db, "/no/such.db"},
      {"lst", "records"},
      {"", "records"},
  };
  for (const auto& [arguments, says] : mistakes) {
    const Result result = gemmetry("records " + arguments);
    EXPECT_EQ(result.code, 2) << arguments;
    EXPECT_TRUE(result.one_line_of_error()) << arguments << ": " << result.err;
    EXPECT_NE(result.err.find(says), std::string::npos) << arguments << ": " << result.err;
  }
}

TEST(Records, TheUsualFileIsInTheDataDirectory) {
  const Bench bench;
  const std::string home = bench.scratch.path("home");
  const std::string run = "true; HOME=" + home + " XDG_DATA_HOME= " GEMMETRY_BINARY " records ";
  ASSERT_EQ(gemmetry("--version && " + run + "import " + bench.scratch.path("a.csv")).code, 0);
  EXPECT_TRUE(std::filesystem::exists(home + "/.local/share/gemmetry/records.db"));
  const std::string data = "--version >/dev/null; XDG_DATA_HOME=" + bench.scratch.path("data") + " " GEMMETRY_BINARY;
  EXPECT_EQ(gemmetry(data + " records import " + bench.scratch.path("a.csv")).code, 0);
  EXPECT_TRUE(std::filesystem::exists(bench.scratch.path("data/gemmetry/records.db")));
}

void collect_keys(const nlohmann::ordered_json& value, std::set<std::string>& keys) {
  for (const auto& [key, member] : value.items()) {
    if (value.is_object()) keys.insert(key);
    if (member.is_structured()) collect_keys(member, keys);
  }
}

TEST(Records, EveryKeyIsDocumented) {
  const Bench bench;
  const std::string text = read_text(std::string(GEMMETRY_SOURCE_DIR) + "/docs/json.md");
  std::set<std::string> keys;
  collect_keys(bench.records("export --samples --format json").json(), keys);
  collect_keys(bench.records("export --compact --format json").json(), keys);
  collect_keys(bench.records("import " + bench.scratch.path("a.csv") + " --format json").json(), keys);
  for (const std::string& key : keys) EXPECT_NE(text.find("`" + key + "`"), std::string::npos) << key;
}

}  // namespace
}  // namespace gemmetry::cli
