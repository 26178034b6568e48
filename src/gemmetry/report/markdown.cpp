#include "gemmetry/report/markdown.h"

#include <algorithm>

#include "gemmetry/report/number.h"

namespace gemmetry::report {
namespace {

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|' || c == '\\' || c == '<') result += '\\';
    result += c;
  }
  return result;
}

std::string shown_cell(const Table& table, std::size_t row, std::size_t column) {
  return escaped(shown(table.rows[row][column].value, table.columns[column].unit));
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value) ||
         std::holds_alternative<Interval>(value);
}

std::vector<std::size_t> shown_columns(const Table& table) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].heading.empty()) continue;
    bool content = table.rows.empty();
    for (std::size_t row = 0; row < table.rows.size() && !content; ++row) content = !shown_cell(table, row, i).empty();
    if (content) columns.push_back(i);
  }
  return columns;
}

struct SectionMarkdown {
  /// A table of two columns without headings; its head belongs to the first of several facts in a row.
  std::string operator()(const Facts& facts) const {
    std::string text;
    for (const std::size_t i : shown_columns(facts.table))
      text += "| " + escaped(facts.table.columns[i].heading) + " | " + shown_cell(facts.table, 0, i) + " |\n";
    return text;
  }
  std::string operator()(const List& list) const { return to_markdown(list.table); }
  std::string operator()(const Notes& notes) const {
    std::string text;
    for (const std::string& line : notes.lines) text += "- " + escaped(line) + "\n";
    return text;
  }
  std::string operator()(const Picture& picture) const { return "```text\n" + picture.text + "```\n"; }
};

bool is_right(const Table& table, std::size_t column) {
  return std::any_of(table.rows.begin(), table.rows.end(),
                     [&](const std::vector<Cell>& row) { return is_number(row[column].value); });
}

}  // namespace

std::string to_markdown(const Table& table) {
  const std::vector<std::size_t> columns = shown_columns(table);
  std::string text = "|", sides = "|";
  for (const std::size_t i : columns) {
    text += " " + escaped(table.columns[i].heading) + " |";
    sides += is_right(table, i) ? "---:|" : "---|";
  }
  text += "\n" + sides + "\n";
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    text += "|";
    for (const std::size_t i : columns) text += " " + shown_cell(table, row, i) + " |";
    text += "\n";
  }
  return text;
}

std::string to_markdown(const Document& document) {
  std::string text;
  bool after_facts = false;
  for (const Section& section : document.sections) {
    if (!section.on_screen) continue;
    const std::string content = std::visit(SectionMarkdown{}, section.content);
    if (content.empty()) continue;
    const bool facts = std::holds_alternative<Facts>(section.content);
    const bool goes_on = after_facts && facts && section.title.empty();
    if (!text.empty() && !goes_on) text += "\n";
    if (!section.title.empty()) text += "## " + escaped(section.title) + "\n\n";
    if (facts && !goes_on) text += "| | |\n|---|---|\n";
    text += content;
    after_facts = facts;
  }
  return text;
}

}  // namespace gemmetry::report
