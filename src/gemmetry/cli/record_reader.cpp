#include "gemmetry/cli/record_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/measure/record_fields.h"
#include "gemmetry/measure/site.h"
#include "gemmetry/op/field_text.h"

namespace gemmetry::cli {
namespace {

using measure::held_out_key;
using measure::record_fields;
using measure::RecordField;

int column_of(const std::vector<std::string>& header, std::string_view key) {
  const auto at = std::find(header.begin(), header.end(), key);
  return at == header.end() ? -1 : static_cast<int>(at - header.begin());
}

std::optional<bool> yes_or_no(std::string_view key, const std::string& text) {
  if (text.empty()) return std::nullopt;
  bool value = false;
  op::read(key, text, false, value);
  return value;
}

}  // namespace

RecordReader::RecordReader(std::istream& stream, std::string source) : csv_(stream, std::move(source)) {
  const std::vector<std::string>& header = csv_.header();
  std::vector<std::string> keys;
  for (const RecordField& field : record_fields()) {
    columns_.push_back(column_of(header, field.key));
    keys.push_back(field.key);
  }
  keys.emplace_back(held_out_key);
  held_out_column_ = column_of(header, held_out_key);
  for (const std::string& column : header)
    if (std::find(keys.begin(), keys.end(), column) == keys.end())
      csv_.fail(fmt::format("column '{}' is no field of a record{}", column, did_you_mean(column, keys)));
  if (columns_.front() < 0)
    csv_.fail("column 'kind' is missing: records are read as gemmetry records export writes them");
}

bool RecordReader::next(measure::FiledRecord& filed) {
  if (!csv_.next(cells_)) return false;
  const auto cell = [&](int column) { return column < 0 ? std::string() : cells_[static_cast<std::size_t>(column)]; };
  try {
    filed = {measure::read_record([&](std::size_t field) { return cell(columns_[field]); }), csv_.line(),
             yes_or_no(held_out_key, cell(held_out_column_))};
  } catch (const Error& problem) {
    csv_.fail(problem.what());
  }
  return true;
}

void with_record_file(const std::string& path, const std::function<void(std::istream&, const std::string&)>& use) {
  if (path == "-") return use(std::cin, "standard input");
  if (std::filesystem::is_directory(path)) throw Error(path + ": is a directory; name a CSV file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(path + ": cannot be read; name a CSV file, or - for standard input");
  use(file, path);
}

}  // namespace gemmetry::cli
