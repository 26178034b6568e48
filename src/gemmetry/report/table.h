#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gemmetry/report/value.h"

namespace gemmetry::report {

/// What a column is, whatever its rows are.
struct ColumnInfo {
  std::string key = {};      ///< in JSON and CSV; dots nest in JSON; empty: on screen only
  std::string heading = {};  ///< on screen and in Markdown; empty: in JSON and CSV only
  Unit unit = Unit::none;
  bool interval = false;  ///< cells are Intervals: JSON and CSV have a key for each end too
  bool once = false;      ///< on screen: left out where it repeats the row above
  bool wrap = false;      ///< on screen: takes the room that is left, on several lines
};

/// One entry of a row type's field table. Terminal table, JSON, CSV and Markdown all come from it.
template <class Row>
struct Column {
  using Get = std::function<Value(const Row&)>;
  using GetTone = std::function<Tone(const Row&)>;

  // A constructor, as GCC 12 fails on the default of an aggregate's last member.
  Column(ColumnInfo what, Get get_value, GetTone get_tone = nullptr)
      : info(std::move(what)), get(std::move(get_value)), tone(std::move(get_tone)) {}

  ColumnInfo info;
  Get get;
  GetTone tone;
};

struct Cell {
  Value value;
  Tone tone = Tone::plain;
};

/// Rows of cells under their columns.
struct Table {
  std::vector<ColumnInfo> columns;
  std::vector<std::vector<Cell>> rows;
};

/// The rows through their field table.
template <class Row>
Table make_table(const std::vector<Column<Row>>& columns, const std::vector<Row>& rows) {
  Table table;
  table.columns.reserve(columns.size());
  for (const Column<Row>& column : columns) table.columns.push_back(column.info);
  table.rows.reserve(rows.size());
  for (const Row& row : rows) {
    std::vector<Cell>& cells = table.rows.emplace_back();
    cells.reserve(columns.size());
    for (const Column<Row>& column : columns)
      cells.push_back({column.get(row), column.tone ? column.tone(row) : Tone::plain});
  }
  return table;
}

template <class Row>
Table make_table(const std::vector<Column<Row>>& columns, const Row& row) {
  return make_table(columns, std::vector<Row>{row});
}

/// Whether no row has anything in the column.
bool is_absent(const Table& table, std::size_t column);

}  // namespace gemmetry::report
