#include "gemmetry/report/table.h"

#include <gtest/gtest.h>

#include <optional>

#include "gemmetry/report/csv.h"
#include "gemmetry/report/json.h"
#include "gemmetry/report/markdown.h"
#include "gemmetry/report/text.h"

namespace gemmetry::report {
namespace {

struct Timing {
  std::string name;
  Interval time;
  std::optional<std::int64_t> waves;
  std::string why;
};

/// The one field table that every form below comes from.
std::vector<Column<Timing>> columns() {
  return {
      {{.key = "name", .heading = "run", .once = true}, [](const Timing& r) { return Value(r.name); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds, .interval = true},
       [](const Timing& r) { return Value(r.time); }},
      {{.key = "plan.waves", .heading = "waves"}, [](const Timing& r) { return r.waves ? Value(*r.waves) : Value(); }},
      {{.key = "bandwidth"}, [](const Timing&) { return Value(Unknown{}); }},
      {{.key = "", .heading = "why", .wrap = true}, [](const Timing& r) { return Value(r.why); }},
  };
}

Table table() {
  return make_table(columns(), std::vector<Timing>{{"a, \"b\"", {2e-3, 1e-3, 4e-3}, 3, "it is long and has words"},
                                                   {"a, \"b\"", {5e-6, 4e-6, 6e-6}, std::nullopt, "short"}});
}

TEST(Table, TextAlignsColumnsAndLeavesOutRepeats) {
  EXPECT_EQ(to_text(table(), {}),
            "run                     time  waves  why\n"
            "──────  ────────────────────  ─────  ────────────────────────\n"
            "a, \"b\"  2.00 ms (1.00..4.00)      3  it is long and has words\n"
            "        5.00 µs (4.00..6.00)         short\n");
}

TEST(Table, TextWrapsTheLastColumnWhereThereIsRoom) {
  const std::string text = to_text(table(), {.colour = false, .width = 75});
  EXPECT_NE(text.find("it is long and has words"), std::string::npos);
  const std::vector<std::string> lines = wrapped("it is long and has words", 10);
  EXPECT_EQ(lines, (std::vector<std::string>{"it is long", "and has", "words"}));
}

TEST(Table, TextPutsTheLastColumnBelowItsRowWhereThereIsNone) {
  EXPECT_EQ(to_text(table(), {.colour = false, .width = 45}),
            "run                     time  waves\n"
            "──────  ────────────────────  ─────\n"
            "a, \"b\"  2.00 ms (1.00..4.00)      3\n"
            "    it is long and has words\n"
            "        5.00 µs (4.00..6.00)\n"
            "    short\n");
}

TEST(Table, TextHasNoEscapesUnlessColoursAreAskedFor) {
  EXPECT_EQ(to_text(table(), {}).find('\033'), std::string::npos);
  EXPECT_NE(to_text(table(), {.colour = true, .width = 0}).find("\033[1m"), std::string::npos);
}

TEST(Table, CsvQuotesAndExpandsIntervals) {
  EXPECT_EQ(to_csv(table()),
            "name,time_s,time_low_s,time_high_s,plan.waves,bandwidth\n"
            "\"a, \"\"b\"\"\",0.002,0.001,0.004,3,\n"
            "\"a, \"\"b\"\"\",5e-06,4e-06,6e-06,,\n");
}

TEST(Table, JsonNestsDotsLeavesOutWhatDoesNotApplyAndKeepsUnknownAsNull) {
  const auto first = to_json(table(), 0);
  EXPECT_EQ(first.at("plan").at("waves"), 3);
  EXPECT_EQ(first.at("time_low_s"), 1e-3);
  EXPECT_TRUE(first.at("bandwidth").is_null());
  EXPECT_FALSE(first.contains("why"));
  EXPECT_FALSE(to_json(table(), 1).contains("plan"));
}

TEST(Table, MarkdownEscapesItsOwnMarks) {
  Table one = make_table(columns(), Timing{"a|b", {1, 1, 1}, 1, "w"});
  const std::string text = to_markdown(one);
  EXPECT_NE(text.find("| a\\|b |"), std::string::npos);
  EXPECT_NE(text.find("|---|---:|---:|---|"), std::string::npos);
}

TEST(Document, JsonPutsSectionsUnderTheirKeys) {
  Document document;
  document.sections = {{"first", "First", Facts{make_table(columns(), Timing{"x", {1, 1, 1}, 1, "w"})}},
                       {"first.rows", "", List{table()}, false},
                       {"", "", Picture{"###\n"}},
                       {"notes", "", Notes{{"one", "two"}}}};
  const auto json = to_json(document);
  EXPECT_EQ(json.at("schema_version"), schema_version);
  EXPECT_EQ(json.at("first").at("name"), "x");
  EXPECT_EQ(json.at("first").at("rows").size(), 2u);
  EXPECT_EQ(json.at("notes").at(1), "two");
  EXPECT_EQ(json.size(), 3u);

  const std::string text = to_text(document, {});
  EXPECT_NE(text.find("First\nrun    x\n"), std::string::npos);
  EXPECT_NE(text.find("###"), std::string::npos);
  EXPECT_EQ(text.find("5.00 µs"), std::string::npos);  // not on screen
}

TEST(Document, CsvIsTheNamedTableOrTheFirstList) {
  Document document;
  document.sections = {{"facts", "", Facts{make_table(columns(), Timing{"x", {1, 1, 1}, 1, "w"})}},
                       {"rows", "", List{table()}}};
  EXPECT_EQ(to_csv(document), to_csv(table()));
  document.csv = "facts";
  EXPECT_NE(to_csv(document).find("\nx,1,1,1,1,"), std::string::npos);
}

TEST(Document, JsonOfBrokenUtf8IsStillJson) {
  Document document;
  document.sections = {{"notes", "", Notes{{"\xff\xfe"}}}};
  EXPECT_TRUE(nlohmann::json::accept(json_text(document)));
}

}  // namespace
}  // namespace gemmetry::report
