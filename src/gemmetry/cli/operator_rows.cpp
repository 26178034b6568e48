#include "gemmetry/cli/operator_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/cli/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/op/limits.h"

namespace gemmetry::cli {
OperatorRows::OperatorRows(const std::string& kind, shape::Dtype dtype, CsvReader& reader)
    : defaults_(op::operator_of_kind(kind)), reader_(reader) {
  std::visit(
      [&]<class Op>(Op& op) {
        if constexpr (requires { op.dtype; }) op.dtype = dtype;
        match_columns<Op>();
      },
      defaults_);
}

template <class Op>
void OperatorRows::match_columns() {
  const std::vector<std::string>& header = reader_.header();
  std::vector<std::string> fields, missing;
  std::apply(
      [&](const auto&... field) {
        const auto match = [&](std::string_view name, bool required) {
          const auto column = std::find(header.begin(), header.end(), name);
          fields.emplace_back(name);
          columns_.push_back(column == header.end() ? -1 : static_cast<int>(column - header.begin()));
          if (column != header.end()) return;
          if (required)
            reader_.fail(
                fmt::format("column '{}' is missing ({} needs it){}", name, Op::kind, did_you_mean(name, header)));
          missing.emplace_back(name);
        };
        (match(field.name, field.required), ...);
      },
      Op::fields());
  for (const std::string& column : header)
    if (std::find(fields.begin(), fields.end(), column) == fields.end() && !nearest(column, missing).empty())
      reader_.fail(fmt::format("column '{}' is no field of {}{} Otherwise give it another name", column, Op::kind,
                               did_you_mean(column, missing)));
}

template <class Op>
Op OperatorRows::read_row(std::vector<report::Value>& cells) const {
  Op op = std::get<Op>(defaults_);
  std::size_t index = 0;
  const auto read_field = [&](const auto& field) {
    const int column = columns_[index++];
    if (column < 0) return;
    const std::string& text = row_[static_cast<std::size_t>(column)];
    if (text.empty() && !field.required) return;
    try {
      op::read(field.name, text, field.required, op.*field.member);
    } catch (const Error& problem) {
      reader_.fail(fmt::format("column '{}': {}", field.name, problem.what()));
    }
    cells[static_cast<std::size_t>(column)] = cell(op.*field.member);
  };
  op::for_each_field<Op>(read_field);
  return op;
}

bool OperatorRows::next(op::Operator& op, std::vector<report::Value>& cells) {
  if (!reader_.next(row_)) return false;
  cells.assign(row_.begin(), row_.end());
  op = std::visit([&]<class Op>(const Op&) -> op::Operator { return read_row<Op>(cells); }, defaults_);
  const std::vector<std::string>& header = reader_.header();
  complete(op, [&](std::string_view name) {
    const auto column = std::find(header.begin(), header.end(), name);
    return column != header.end() && !row_[static_cast<std::size_t>(column - header.begin())].empty();
  });
  try {
    require_priceable(op);
  } catch (const Error& problem) {
    reader_.fail(problem.what());
  }
  return true;
}

}  // namespace gemmetry::cli
