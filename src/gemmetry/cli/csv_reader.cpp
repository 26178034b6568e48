#include "gemmetry/cli/csv_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"

namespace gemmetry::cli {
namespace {

constexpr int end_of_file = std::char_traits<char>::eof();
constexpr std::size_t longest_cell = 1 << 20;
constexpr std::size_t most_columns = 1 << 10;

void trim(std::string& cell) {
  const std::size_t last = cell.find_last_not_of(" \t");
  cell.erase(last == std::string::npos ? 0 : last + 1);
  cell.erase(0, std::min(cell.find_first_not_of(" \t"), cell.size()));
}

bool is_empty(const std::vector<std::string>& cells) { return cells.size() == 1 && cells.front().empty(); }

}  // namespace

CsvReader::CsvReader(std::istream& stream, std::string source, std::int64_t first_line)
    : stream_(*stream.rdbuf()), source_(std::move(source)), line_(first_line) {
  skip_byte_order_mark();
  if (!read_record(header_)) fail("there is no heading line: the first line names the columns, as in batch,m,n,k");
  for (std::size_t i = 0; i < header_.size(); ++i) {
    if (header_[i].empty()) fail(fmt::format("column {} has no name", i + 1));
    if (std::find(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(i), header_[i]) !=
        header_.begin() + static_cast<std::ptrdiff_t>(i))
      fail(fmt::format("column '{}' is there twice", header_[i]));
  }
}

bool CsvReader::next(std::vector<std::string>& cells) {
  if (!read_record(cells)) return false;
  if (cells.size() != header_.size())
    fail(fmt::format("{} cells under {} columns ({})", cells.size(), header_.size(), fmt::join(header_, ",")));
  return true;
}

void CsvReader::skip_byte_order_mark() {
  if (stream_.sgetc() != 0xEF) return;
  stream_.sbumpc();
  if (stream_.sbumpc() != 0xBB || stream_.sbumpc() != 0xBF) fail("the file is not UTF-8 text with names of columns");
}

void CsvReader::fail(const std::string& problem) const {
  throw Error(fmt::format("{}:{}: {}", source_, row_line_, problem));
}

bool CsvReader::read_record(std::vector<std::string>& cells) {
  do {
    row_line_ = line_;
    cells.assign(1, "");
    bool quoted = false;
    for (int c = stream_.sbumpc();; c = stream_.sbumpc()) {
      std::string& cell = cells.back();
      if (c == end_of_file && is_empty(cells) && !quoted) return false;
      if (c == ',' || c == '\n' || c == '\r' || c == end_of_file) {
        if (!quoted) trim(cell);
        if (c == '\r' && stream_.sgetc() == '\n') stream_.sbumpc();
        if (c == '\n' || c == '\r') ++line_;
        if (c != ',') break;
        if (cells.size() == most_columns) fail(fmt::format("more than {} columns", most_columns));
        cells.emplace_back();
        quoted = false;
      } else if (c == '"' && !quoted && cell.find_first_not_of(" \t") == std::string::npos) {
        quoted = true;
        cell.clear();
        read_quoted(cell);
      } else if (!quoted) {
        cell += static_cast<char>(c);
        if (cell.size() > longest_cell) fail("a cell is longer than 1 MiB; is this a CSV file?");
      } else if (c != ' ' && c != '\t') {
        fail("text after a closing quote; a quote inside a quoted cell is written twice");
      }
    }
  } while (is_empty(cells));
  return true;
}

void CsvReader::read_quoted(std::string& cell) {
  for (int c = stream_.sbumpc(); c != end_of_file; c = stream_.sbumpc()) {
    if (c == '"') {
      if (stream_.sgetc() != '"') return;
      stream_.sbumpc();
    }
    if (c == '\n') ++line_;
    cell += static_cast<char>(c);
    if (cell.size() > longest_cell) fail("a quoted cell is longer than 1 MiB; is a quote missing?");
  }
  fail("a quoted cell is never closed");
}

}  // namespace gemmetry::cli
