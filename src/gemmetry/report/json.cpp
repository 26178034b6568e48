#include "gemmetry/report/json.h"

#include <cmath>

#include "gemmetry/report/number.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

ordered_json number(double value) { return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr); }

ordered_json single(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* real = std::get_if<double>(&value)) return number(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* interval = std::get_if<Interval>(&value)) return number(interval->value);
  if (const auto* list = std::get_if<std::vector<double>>(&value)) {
    ordered_json numbers = ordered_json::array();
    for (const double one : *list) numbers.push_back(number(one));
    return numbers;
  }
  if (const auto* words = std::get_if<std::vector<std::string>>(&value)) return *words;
  return nullptr;
}

/// The place of a dotted key below `object`, made on the way.
ordered_json& place(ordered_json& object, const std::string& key) {
  ordered_json* at = &object;
  std::size_t start = 0;
  for (std::size_t dot = key.find('.'); dot != std::string::npos; dot = key.find('.', start)) {
    at = &(*at)[key.substr(start, dot - start)];
    start = dot + 1;
  }
  return (*at)[key.substr(start)];
}

void put(ordered_json& object, const ColumnInfo& column, const Value& value) {
  if (column.key.empty() || std::holds_alternative<std::monostate>(value)) return;
  place(object, column.key) = single(value);
  if (!column.interval) return;
  const auto* interval = std::get_if<Interval>(&value);
  place(object, interval_key(column.key, "low")) = interval ? number(interval->low) : ordered_json(nullptr);
  place(object, interval_key(column.key, "high")) = interval ? number(interval->high) : ordered_json(nullptr);
}

struct SectionJson {
  ordered_json operator()(const Facts& facts) const { return to_json(facts.table, 0); }
  ordered_json operator()(const List& list) const {
    ordered_json rows = ordered_json::array();
    for (std::size_t row = 0; row < list.table.rows.size(); ++row) rows.push_back(to_json(list.table, row));
    return rows;
  }
  ordered_json operator()(const Notes& notes) const { return notes.lines; }
  ordered_json operator()(const Picture&) const { return nullptr; }
};

}  // namespace

ordered_json to_json(const Table& table, std::size_t row) {
  ordered_json object = ordered_json::object();
  for (std::size_t column = 0; column < table.columns.size(); ++column)
    put(object, table.columns[column], table.rows.at(row)[column].value);
  return object;
}

ordered_json to_json(const Document& document) {
  ordered_json result = {{"schema_version", schema_version}};
  for (const Section& section : document.sections) {
    if (std::holds_alternative<Picture>(section.content)) continue;
    const ordered_json content = std::visit(SectionJson{}, section.content);
    if (!section.key.empty())
      place(result, section.key) = content;
    else if (std::holds_alternative<Facts>(section.content))
      result.update(content);
  }
  return result;
}

std::string json_text(const Document& document) {
  return to_json(document).dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace gemmetry::report
