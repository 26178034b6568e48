#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "gemmetry/cli/csv_reader.h"
#include "gemmetry/measure/record_check.h"

namespace gemmetry::cli {

/// Reads the records of a CSV one by one. Columns are the keys of record_fields(), those that are left out unset, and
/// whether a record is held out. Throws Error naming file, line, column, value and fix.
class RecordReader {
 public:
  /// Reads the heading.
  RecordReader(std::istream& stream, std::string source);

  /// The next record; false at the end. After an error about a row the one behind it can be read.
  bool next(measure::FiledRecord& filed);

  /// The line that the last row began on, from 1.
  std::int64_t line() const { return csv_.line(); }
  /// Whether there is a column that says which records are held out.
  bool tells_held_out() const { return held_out_column_ >= 0; }

 private:
  CsvReader csv_;
  std::vector<int> columns_;  ///< of each field; -1: none
  int held_out_column_ = -1;
  std::vector<std::string> cells_;
};

/// Calls use(stream, name) with the file open, standard input for "-". Error when it cannot be read.
void with_record_file(const std::string& path, const std::function<void(std::istream&, const std::string& name)>& use);

}  // namespace gemmetry::cli
