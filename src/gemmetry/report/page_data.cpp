#include "gemmetry/report/page_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

#include "gemmetry/report/number.h"
#include "gemmetry/report/vega_lite.h"

namespace gemmetry::report {
namespace {

using nlohmann::ordered_json;

// So many points are drawn quickly, and 40 such charts fit a page; few lines keep all their points.
constexpr std::size_t most_points = 1600;
constexpr std::size_t least_points_a_line = 60;

ordered_json number_json(double number) { return std::isfinite(number) ? ordered_json(number) : ordered_json(nullptr); }

ordered_json cell_json(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  if (const auto* number = std::get_if<double>(&value)) return number_json(*number);
  if (const auto* interval = std::get_if<Interval>(&value)) return number_json(interval->value);
  const std::string text = plain(value);
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json interval_ends(const Table& table, std::size_t column, double Interval::*end) {
  ordered_json ends = ordered_json::array();
  for (const std::vector<Cell>& row : table.rows) {
    const auto* interval = std::get_if<Interval>(&row[column].value);
    ends.push_back(interval ? number_json(interval->*end) : ordered_json(nullptr));
  }
  return ends;
}

/// {"words": the distinct texts, "at": the place of each cell's in them} where that is shorter.
ordered_json by_words(ordered_json cells) {
  std::map<std::string, std::size_t> place;
  for (const ordered_json& cell : cells) {
    if (cell.is_number()) return cells;
    if (cell.is_string()) place.try_emplace(cell.get<std::string>(), 0);
  }
  if (place.empty() || 2 * place.size() > cells.size()) return cells;
  ordered_json words = ordered_json::array(), at = ordered_json::array();
  for (auto& [word, index] : place) {
    index = words.size();
    words.push_back(word);
  }
  for (const ordered_json& cell : cells)
    at.push_back(cell.is_string() ? ordered_json(place.at(cell.get<std::string>())) : ordered_json(nullptr));
  return {{"words", std::move(words)}, {"at", std::move(at)}};
}

ordered_json column_json(const Table& table, std::size_t column) {
  const ColumnInfo& info = table.columns[column];
  ordered_json out{{"key", info.key}, {"heading", info.heading}, {"unit", static_cast<int>(info.unit)}};
  ordered_json cells = ordered_json::array();
  for (const std::vector<Cell>& row : table.rows) cells.push_back(cell_json(row[column].value));
  out["cells"] = by_words(std::move(cells));
  if (info.interval) {
    out["low"] = {{"key", interval_key(info.key, "low")}, {"cells", interval_ends(table, column, &Interval::low)}};
    out["high"] = {{"key", interval_key(info.key, "high")}, {"cells", interval_ends(table, column, &Interval::high)}};
  }
  return out;
}

std::string_view name(Mark mark) {
  switch (mark) {
    case Mark::line:
      return "line";
    case Mark::points:
      return "points";
    case Mark::bars:
      return "bars";
    case Mark::heatmap:
      return "heatmap";
  }
  return "";
}

ordered_json axis_json(const AxisScale& scale, const Axis& axis) {
  return {{"title", axis.title}, {"heading", scale.title}, {"unit", scale.scale.name}};
}

}  // namespace

ordered_json page_constants() {
  ordered_json units = ordered_json::array();
  for (int unit = 0; unit <= static_cast<int>(Unit::days); ++unit) {
    ordered_json& steps = units.emplace_back(ordered_json::array());
    for (const Scale& scale : scales(static_cast<Unit>(unit))) steps.push_back({scale.size, scale.name});
  }
  return {{"units", std::move(units)},
          {"themes", {{"light", vega_config(Theme::light)}, {"dark", vega_config(Theme::dark)}}},
          {"dashes", vega_dashes()}};
}

ordered_json page_chart(const Chart& chart) {
  const std::size_t lines = std::max<std::size_t>(chart.lines.size(), 1);
  const Chart thin = thinned(chart, std::max(most_points / lines, least_points_a_line));
  return {{"title", chart.title},
          {"mark", name(chart.mark)},
          {"x", axis_json(x_scale(thin), thin.x)},
          {"y", axis_json(y_scale(thin), thin.y)},
          {"colour_title", chart.colour_title},
          {"colours", colours(thin)},
          {"styles", styles(thin)},
          {"spec", to_vega_lite(thin, {.whole = false})},
          {"data", compact_data(thin)}};
}

ordered_json page_table(const Table& table) {
  ordered_json columns = ordered_json::array();
  for (std::size_t column = 0; column < table.columns.size(); ++column)
    if (!is_absent(table, column)) columns.push_back(column_json(table, column));
  return {{"rows", table.rows.size()}, {"columns", std::move(columns)}};
}

std::string script_json(const ordered_json& json) {
  const std::string text = json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) c == '<' ? safe += "\\u003c" : safe += c;
  return safe;
}

}  // namespace gemmetry::report
