#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace gemmetry::cli {

/// Reads CSV row by row: a heading line, then rows of as many cells; quotes as in RFC 4180, either line end, empty
/// lines and a byte-order mark skipped, blanks around unquoted cells dropped. Throws Error naming source and line.
class CsvReader {
 public:
  /// Reads the heading. `source` is what messages call the stream, `first_line` the line it is at.
  CsvReader(std::istream& stream, std::string source, std::int64_t first_line = 1);

  const std::vector<std::string>& header() const { return header_; }

  /// The next row into `cells`; false at the end.
  bool next(std::vector<std::string>& cells);

  /// The line that the last row began on, from 1.
  std::int64_t line() const { return row_line_; }
  const std::string& source() const { return source_; }

  /// Throws Error "SOURCE:LINE: PROBLEM".
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  void skip_byte_order_mark();
  bool read_record(std::vector<std::string>& cells);
  void read_quoted(std::string& cell);

  std::streambuf& stream_;
  std::string source_;
  std::vector<std::string> header_;
  std::int64_t line_ = 1;
  std::int64_t row_line_ = 1;
};

}  // namespace gemmetry::cli
