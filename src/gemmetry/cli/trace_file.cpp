#include "gemmetry/cli/trace_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <sstream>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/cli/csv_reader.h"

namespace gemmetry::cli {
namespace {

const std::vector<std::string> columns{"arrival_s", "prompt",        "prompt_tokens", "new_tokens",
                                       "seed",      "deterministic", "cancel_s"};
constexpr std::int64_t longest_prompt = std::int64_t{1} << 24;

/// A request with its prompt as the file has it.
struct Line {
  run::Request request;
  std::int64_t prompt_tokens = 0;  ///< 0: the prompt is there
};

bool truth(std::string_view what, const std::string& text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  refuse_text(what, text, "true or false");
}

std::vector<std::int32_t> tokens_of(const std::string& what, const std::string& text) {
  std::vector<std::int32_t> tokens;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    std::int32_t token = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (problem != std::errc() || end != word.data() + word.size())
      refuse_text(what, word, "token ids with blanks between them");
    tokens.push_back(token);
  }
  return tokens;
}

/// One prompt, in one of two forms.
void require_prompt(bool tokens, bool count, const std::string& where) {
  if (tokens == count) throw Error(fmt::format("{}: state either prompt or prompt_tokens", where));
}

/// The cells of one row of CSV by their columns.
class Cells {
 public:
  Cells(const std::vector<std::string>& header, const std::vector<std::string>& cells, std::string where)
      : where_(std::move(where)) {
    for (std::size_t i = 0; i < header.size(); ++i)
      if (!cells[i].empty()) cells_[header[i]] = cells[i];
  }
  bool has(const char* column) const { return cells_.contains(column); }
  const std::string& text(const char* column) const {
    const auto found = cells_.find(column);
    if (found == cells_.end()) throw Error(fmt::format("{}: {} is missing", where_, column));
    return found->second;
  }
  std::string what(const char* column) const { return fmt::format("{}: {}", where_, column); }
  /// Any number, NaN too: the trace says what is wrong with it.
  double number(const char* column) const { return gemmetry::number(what(column), text(column)); }
  std::int64_t whole(const char* column, std::int64_t low) const {
    return whole_number(what(column), text(column), low);
  }

 private:
  std::string where_;
  std::map<std::string, std::string> cells_;
};

Line line_of(const Cells& cells, const std::string& where, std::uint64_t seed) {
  require_prompt(cells.has("prompt"), cells.has("prompt_tokens"), where);
  Line line;
  run::Request& request = line.request;
  request.arrival_s = cells.number("arrival_s");
  request.new_tokens = cells.whole("new_tokens", 0);
  request.seed = cells.has("seed") ? static_cast<std::uint64_t>(cells.whole("seed", 0)) : seed;
  if (cells.has("prompt")) request.prompt = tokens_of(cells.what("prompt"), cells.text("prompt"));
  if (cells.has("prompt_tokens")) line.prompt_tokens = cells.whole("prompt_tokens", 1);
  if (cells.has("deterministic"))
    request.deterministic = truth(cells.what("deterministic"), cells.text("deterministic"));
  if (cells.has("cancel_s")) request.cancel_s = cells.number("cancel_s");
  return line;
}

Line line_of(const JsonObject& object, const std::string& where, std::uint64_t seed) {
  object.refuse_unknown({"arrival_s", "prompt", "prompt_tokens", "new_tokens", "seed", "deterministic", "cancel_s"});
  require_prompt(object.has("prompt"), object.has("prompt_tokens"), where);
  Line line;
  run::Request& request = line.request;
  request.arrival_s = object.number("arrival_s");
  request.new_tokens = object.integer("new_tokens", 0);
  request.seed = static_cast<std::uint64_t>(object.integer_or("seed", static_cast<std::int64_t>(seed), 0));
  if (object.has("prompt"))
    for (const nlohmann::json& token : object.array("prompt")) {
      const auto id = token.is_number_integer() ? token.get<std::int64_t>() : -1;
      if (id < 0 || id > std::numeric_limits<std::int32_t>::max())
        object.fail("prompt", "expected a list of token ids");
      request.prompt.push_back(static_cast<std::int32_t>(id));
    }
  if (object.has("prompt_tokens")) line.prompt_tokens = object.integer("prompt_tokens", 1, longest_prompt);
  if (object.has("deterministic")) request.deterministic = object.boolean("deterministic");
  request.cancel_s = object.optional_number("cancel_s");
  return line;
}

/// The seed of the `index`-th request where it has none of its own.
std::uint64_t own_seed(std::uint64_t seed, std::size_t index) { return (seed << 24) + index; }

std::vector<Line> csv_lines(const std::string& path, std::uint64_t seed) {
  std::istringstream text(read_text_file(path));
  CsvReader reader(text, path);
  for (const std::string& column : reader.header())
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      reader.fail(fmt::format("column '{}' is not one of {}{}", column, fmt::join(columns, ", "),
                              did_you_mean(column, columns)));
  std::vector<Line> lines;
  for (std::vector<std::string> cells; reader.next(cells);) {
    const std::string where = fmt::format("{}:{}", path, reader.line());
    lines.push_back(line_of(Cells(reader.header(), cells, where), where, own_seed(seed, lines.size())));
  }
  return lines;
}

std::vector<Line> json_lines(const std::string& path, std::uint64_t seed) {
  std::istringstream text(read_text_file(path));
  std::vector<Line> lines;
  std::int64_t number = 0;
  for (std::string one; std::getline(text, one);) {
    ++number;
    if (one.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = fmt::format("{}:{}", path, number);
    const nlohmann::json json = parse_json(one, where);
    lines.push_back(line_of(JsonObject(json, where), where, own_seed(seed, lines.size())));
  }
  return lines;
}

}  // namespace

run::Trace read_trace(const std::string& path, std::int64_t vocab, std::uint64_t seed) {
  std::vector<Line> lines = path.ends_with(".jsonl") ? json_lines(path, seed) : csv_lines(path, seed);
  run::Trace trace;
  for (Line& line : lines) {
    run::Request& request = trace.emplace_back(std::move(line.request));
    request.id = std::ssize(trace) - 1;
    if (line.prompt_tokens > longest_prompt)
      throw Error(fmt::format("{}: request {}: prompt_tokens = {}: expected at most {}", path, trace.size(),
                              line.prompt_tokens, longest_prompt));
    if (line.prompt_tokens > 0) request.prompt = run::random_prompt(request.seed, line.prompt_tokens, vocab);
    for (const std::int32_t token : request.prompt)
      if (token < 0 || token >= vocab)
        throw Error(fmt::format("{}: request {}: token {} is not of the vocabulary, 0 to {}", path, trace.size(), token,
                                vocab - 1));
  }
  return trace;
}

}  // namespace gemmetry::cli
