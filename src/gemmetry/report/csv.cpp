#include "gemmetry/report/csv.h"

#include <string_view>

#include "gemmetry/report/number.h"

namespace gemmetry::report {
namespace {

/// Readers drop blanks around cells without quotes.
bool needs_quotes(const std::string& text) {
  constexpr std::string_view blanks = " \t";
  return text.find_first_of(",\"\r\n") != std::string::npos ||
         (!text.empty() && (blanks.find(text.front()) != blanks.npos || blanks.find(text.back()) != blanks.npos));
}

void append_field(std::string& line, const std::string& text) {
  if (!needs_quotes(text)) {
    line += text;
  } else {
    line += '"';
    for (const char c : text) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  line += ',';
}

void end_line(std::string& text) { text.back() = '\n'; }

const Table* table_of(const Section& section) {
  if (const auto* list = std::get_if<List>(&section.content)) return &list->table;
  if (const auto* facts = std::get_if<Facts>(&section.content)) return &facts->table;
  return nullptr;
}

const Table* csv_table(const Document& document) {
  const Table* first = nullptr;
  for (const Section& section : document.sections) {
    const Table* table = table_of(section);
    if (!table) continue;
    if (!document.csv.empty() ? section.key == document.csv : std::holds_alternative<List>(section.content))
      return table;
    if (!first) first = table;
  }
  return first;
}

}  // namespace

std::string to_csv(const Table& table) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (!table.columns[i].key.empty() && !is_absent(table, i)) columns.push_back(i);
  if (columns.empty()) return "";

  std::string text;
  for (const std::size_t i : columns) {
    append_field(text, table.columns[i].key);
    if (!table.columns[i].interval) continue;
    append_field(text, interval_key(table.columns[i].key, "low"));
    append_field(text, interval_key(table.columns[i].key, "high"));
  }
  end_line(text);
  for (const std::vector<Cell>& row : table.rows) {
    for (const std::size_t i : columns) {
      append_field(text, plain(row[i].value));
      if (!table.columns[i].interval) continue;
      const auto* interval = std::get_if<Interval>(&row[i].value);
      append_field(text, interval ? plain(interval->low) : "");
      append_field(text, interval ? plain(interval->high) : "");
    }
    end_line(text);
  }
  return text;
}

std::string to_csv(const Document& document) {
  const Table* table = csv_table(document);
  return table ? to_csv(*table) : "";
}

}  // namespace gemmetry::report
