#include "gemmetry/cli/execution_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>
#include <string_view>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/csv_reader.h"
#include "gemmetry/cli/data_folder.h"

namespace gemmetry::cli {
namespace {

namespace fs = std::filesystem;
using measure::Execution;
using measure::ExecutionField;

/// Of the first line: the same for all rows.
constexpr std::array<std::string_view, 10> shared{"gpu",     "device",   "backend",   "sms",  "driver",
                                                  "runtime", "products", "attention", "tool", "method"};
/// Of neither: a row gives its command by what it says, and no file needs to know which of several GPUs it was.
constexpr std::array<std::string_view, 2> left_out{"uuid", "command"};

template <std::size_t count>
bool is_in(const std::array<std::string_view, count>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

bool is_column(const ExecutionField& field) { return !is_in(shared, field.key) && !is_in(left_out, field.key); }

/// Six digits are more than a time is known to.
std::string short_text(const measure::FieldValue& value) {
  if (const double* number = std::get_if<double>(&value)) return fmt::format("{:.6g}", *number);
  return measure::text_of(value);
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r ") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c == '\n' || c == '\r' ? ' ' : c);
  return out + '"';
}

template <class Text>
std::string csv_line(Text text) {
  std::string line;
  std::string_view link;
  for (const ExecutionField& field : measure::execution_fields()) {
    if (!is_column(field)) continue;
    line += link;
    line += quoted(text(field));
    link = ",";
  }
  return line + "\n";
}

std::string comment_of(const measure::DeviceInfo& device) {
  Execution one;
  one.device = device;
  one.tool = version;
  std::string line = "#";
  for (const ExecutionField& field : measure::execution_fields())
    if (is_in(shared, field.key))
      if (const std::string text = measure::text_of(field.get(one)); !text.empty())
        line += fmt::format("{} {}={}", line.size() > 1 ? ";" : "", field.key, text);
  return line;
}

/// What the first line says, by key.
std::map<std::string, std::string> shared_values(std::string comment, const std::string& path) {
  if (!comment.empty() && comment.back() == '\r') comment.pop_back();
  const auto refuse = [&](const std::string& what) {
    throw Error(
        fmt::format("{}:1: {}: the first line says on what all rows ran, as in '# gpu=h200; driver=580.1'; "
                    "`gemmetry study execute` writes it",
                    path, what));
  };
  if (!comment.starts_with("# ")) refuse("there is no comment");
  std::map<std::string, std::string> values;
  for (std::size_t at = 2; at < comment.size();) {
    const std::size_t end = std::min(comment.find("; ", at), comment.size());
    const std::string part = comment.substr(at, end - at);
    const std::size_t sign = part.find('=');
    const std::string key = part.substr(0, sign);
    if (sign == std::string::npos || !is_in(shared, key))
      refuse(fmt::format("'{}' is none of {}", part, fmt::join(shared, ", ")));
    values[key] = part.substr(sign + 1);
    at = end + 2;
  }
  return values;
}

void check_headings(const CsvReader& reader) {
  std::vector<std::string> names;
  for (const ExecutionField& field : measure::execution_fields())
    if (is_column(field)) names.push_back(field.key);
  for (const std::string& name : reader.header())
    if (std::find(names.begin(), names.end(), name) == names.end())
      reader.fail(fmt::format("unknown column '{}'{}", name, did_you_mean(name, names)));
}

}  // namespace

std::vector<Execution> read_executions(const std::string& path) {
  std::istringstream stream(read_text_file(path));
  std::string comment;
  std::getline(stream, comment);
  std::map<std::string, std::string> values = shared_values(comment, path);
  CsvReader reader(stream, path, 2);
  check_headings(reader);
  std::vector<Execution> rows;
  for (std::vector<std::string> cells; reader.next(cells);) {
    for (std::size_t i = 0; i < cells.size(); ++i) values[reader.header()[i]] = cells[i];
    try {
      rows.push_back(measure::read_execution([&](std::size_t i) {
        const auto found = values.find(measure::execution_fields()[i].key);
        return found == values.end() ? std::string() : found->second;
      }));
    } catch (const Error& problem) {
      reader.fail(problem.what());
    }
  }
  return rows;
}

bool is_execution_file(const std::string& path) {
  std::ifstream stream(path);
  return stream.get() == '#';
}

ExecutionWriter::ExecutionWriter(const std::string& path, const measure::DeviceInfo& device) : path_(path) {
  const std::string comment = comment_of(device);
  std::error_code ignored;
  const bool is_new = !fs::exists(path, ignored) || fs::file_size(path, ignored) == 0;
  if (!is_new) {
    read_executions(path);
    std::ifstream stream(path);
    std::string line;
    if (std::getline(stream, line); line != comment)
      throw Error(fmt::format("{} begins '{}', and this is '{}': name another file for --csv, or take it away", path,
                              line, comment));
  }
  if (const fs::path folder = fs::path(path).parent_path(); !folder.empty()) fs::create_directories(folder, ignored);
  stream_.open(path, std::ios::app | std::ios::binary);
  if (is_new) stream_ << comment << "\n" << csv_line([](const ExecutionField& field) { return field.key; });
  stream_.flush();
  if (!stream_) throw Error(fmt::format("{}: cannot be written", path));
}

void ExecutionWriter::add(const Execution& row) {
  stream_ << csv_line([&](const ExecutionField& field) { return short_text(field.get(row)); }) << std::flush;
  if (!stream_) throw Error(fmt::format("{}: cannot be written; is the disk full?", path_));
}

measure::Executions recorded_executions(const std::string& gpu) {
  const fs::path folder = find_data("executions");
  const fs::path file = folder / (gpu + ".csv");
  std::error_code ignored;
  if (folder.empty() || !fs::exists(file, ignored)) return measure::Executions({});
  return measure::Executions(read_executions(file.string()));
}

}  // namespace gemmetry::cli
