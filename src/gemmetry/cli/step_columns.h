#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/op/program.h"

namespace gemmetry::cli {

/// Whether two steps are shown as one row.
inline bool is_same(const op::Step& a, const op::Step& b) {
  return a.module == b.module && a.pass == b.pass && a.detail == b.detail && a.op == b.op;
}

/// Which operator a row is of: its module, detail, pass, kind and sizes. `step(row)` gives its const op::Step&;
/// `passes`: there are other passes than the forward one to be told apart on screen.
template <class Row, class GetStep>
std::vector<report::Column<Row>> step_columns(GetStep step, bool passes) {
  using report::Value;
  std::vector<report::Column<Row>> columns{
      {{.key = "module", .heading = "module", .once = true},
       [=](const Row& r) { return Value(std::string(name(step(r).module))); }},
      {{.key = "detail", .heading = "detail"}, [=](const Row& r) { return Value(std::string(step(r).detail)); }},
      {{.key = "pass", .heading = passes ? "pass" : ""},
       [=](const Row& r) { return Value(std::string(name(step(r).pass))); }},
      {{.key = "kind", .heading = "kind"}, [=](const Row& r) { return Value(std::string(kind(step(r).op))); }},
      {{.key = "", .heading = "sizes"}, [=](const Row& r) { return Value(dims(step(r).op)); }},
  };
  for (const report::Column<op::Operator>& field : field_columns())
    columns.push_back({field.info, [=, get = field.get](const Row& r) { return get(step(r).op); }});
  return columns;
}

/// Whether any of the rows has another pass than the forward one.
template <class Row, class GetStep>
bool has_passes(const std::vector<Row>& rows, GetStep step) {
  for (const Row& row : rows)
    if (step(row).pass != op::Pass::forward) return true;
  return false;
}

}  // namespace gemmetry::cli
