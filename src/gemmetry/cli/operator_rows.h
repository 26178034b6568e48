#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/csv_reader.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {

/// The rows of a CSV as operators of one kind. Columns with the name of a field set it; further columns are carried
/// along.
class OperatorRows {
 public:
  /// `dtype` is that of operators that do not say. Error when the kind is unknown, a required column is missing, or a
  /// column looks like a misspelt field.
  OperatorRows(const std::string& kind, shape::Dtype dtype, CsvReader& reader);

  const std::vector<std::string>& columns() const { return reader_.header(); }

  /// The next row's operator and its cells, numbers as such; false at the end. Error naming file, line, column, value
  /// and fix.
  bool next(op::Operator& op, std::vector<report::Value>& cells);

 private:
  template <class Op>
  void match_columns();
  template <class Op>
  Op read_row(std::vector<report::Value>& cells) const;

  op::Operator defaults_;
  CsvReader& reader_;
  std::vector<int> columns_;  ///< for each field of the kind, in order: its column, or -1
  std::vector<std::string> row_;
};

}  // namespace gemmetry::cli
