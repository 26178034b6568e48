#include "gemmetry/cli/verify_cell.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <variant>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/cli/csv_reader.h"

namespace gemmetry::cli {
namespace {

using report::Unit;
using report::Value;
using Cell = VerifyCell;

/// One member of a cell: its column on screen and in files, and how it is read.
struct CellField {
  const char* key;
  const char* heading;  ///< empty: in files only
  Unit unit;
  std::variant<std::string Cell::*, std::int64_t Cell::*, double Cell::*, std::optional<double> Cell::*> member;
  bool verified = false;  ///< only where somebody was
};

const std::vector<CellField>& fields() {
  static const std::vector<CellField> all{
      {"setting", "", Unit::none, &Cell::setting},
      {"mode", "mode", Unit::none, &Cell::mode},
      {"rate_per_s", "requests/s", Unit::none, &Cell::rate_per_s},
      {"deterministic", "deterministic", Unit::fraction, &Cell::deterministic},
      {"batch", "batch", Unit::none, &Cell::batch, true},
      {"window", "window", Unit::none, &Cell::window, true},
      {"mean_new_tokens", "", Unit::none, &Cell::mean_new_tokens},
      {"time_s", "total", Unit::seconds, &Cell::time_s},
      {"tokens_per_s", "tokens/s", Unit::count, &Cell::tokens_per_s},
      {"end_to_end_mean_s", "", Unit::seconds, &Cell::end_to_end_mean_s},
      {"end_to_end_p50_s", "P50", Unit::seconds, &Cell::end_to_end_p50_s},
      {"end_to_end_p99_s", "P99", Unit::seconds, &Cell::end_to_end_p99_s},
      {"first_token_p50_s", "", Unit::seconds, &Cell::first_token_p50_s},
      {"first_token_p99_s", "", Unit::seconds, &Cell::first_token_p99_s},
      {"mean_batch", "live", Unit::none, &Cell::mean_batch},
      {"decode_steps", "", Unit::none, &Cell::decode_steps},
      {"decode_time_s", "", Unit::seconds, &Cell::decode_time_s},
      {"prefill_time_s", "", Unit::seconds, &Cell::prefill_time_s},
      {"verify_passes", "", Unit::none, &Cell::verify_passes, true},
      {"verify_time_s", "verifying", Unit::seconds, &Cell::verify_time_s, true},
      {"pass_time_s", "pass", Unit::seconds, &Cell::pass_time_s, true},
      {"early_windows", "", Unit::none, &Cell::early_windows, true},
      {"dummy_windows", "", Unit::none, &Cell::dummy_windows, true},
      {"rounds", "", Unit::none, &Cell::rounds},
      {"windows", "", Unit::none, &Cell::windows, true},
      {"rollbacks", "rollbacks", Unit::none, &Cell::rollbacks, true},
      {"rolled_back_tokens", "", Unit::none, &Cell::rolled_back_tokens, true},
      {"compared_tokens", "", Unit::none, &Cell::compared_tokens, true},
      {"deterministic_tokens", "", Unit::none, &Cell::deterministic_tokens, true},
      {"recompute_cost", "recompute cost", Unit::fraction, &Cell::recompute_cost, true},
      {"flip_rate", "", Unit::fraction, &Cell::flip_rate, true},
      {"inverted_flip_rate", "", Unit::fraction, &Cell::inverted_flip_rate, true},
      {"closed_form", "closed form", Unit::fraction, &Cell::closed_form, true},
      {"window_form", "of its windows", Unit::fraction, &Cell::window_form, true},
      {"predicted_time_s", "predicted total", Unit::seconds, &Cell::predicted_time_s},
      {"predicted_p99_s", "predicted P99", Unit::seconds, &Cell::predicted_p99_s},
      {"predicted_pass_s", "predicted pass", Unit::seconds, &Cell::predicted_pass_s},
  };
  return all;
}

Value value_of(const Cell& cell, const CellField& field) {
  if (field.verified && cell.mode != "verified") return {};
  return std::visit(
      [&](auto member) -> Value {
        const auto& value = cell.*member;
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<double>>)
          return value ? Value(*value) : Value();
        else
          return Value(value);
      },
      field.member);
}

void read(Cell& cell, const CellField& field, const std::string& what, const std::string& text) {
  if (text.empty()) return;
  std::visit(
      [&](auto member) {
        auto& value = cell.*member;
        using Kind = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Kind, std::string>)
          value = text;
        else if constexpr (std::is_same_v<Kind, std::int64_t>)
          value = whole_number(what, text, 0);
        else if constexpr (std::is_same_v<Kind, double>)
          value = number(what, text);
        else if (!text.empty())
          value = number(what, text);
      },
      field.member);
}

const CellField* find(const std::string& key) {
  const auto found = std::find_if(fields().begin(), fields().end(), [&](const CellField& f) { return f.key == key; });
  return found == fields().end() ? nullptr : &*found;
}

}  // namespace

bool VerifyCell::same_question(const VerifyCell& other) const {
  return setting == other.setting && mode == other.mode && rate_per_s == other.rate_per_s &&
         deterministic == other.deterministic && shape() == other.shape();
}

report::Table cell_table(const std::vector<VerifyCell>& cells) {
  std::vector<report::Column<VerifyCell>> columns;
  for (const CellField& field : fields())
    columns.push_back({{.key = field.key, .heading = field.heading, .unit = field.unit},
                       [&field](const Cell& cell) { return value_of(cell, field); }});
  return make_table(columns, cells);
}

std::vector<VerifyCell> read_cells(const std::string& path) {
  std::istringstream text(read_text_file(path));
  CsvReader reader(text, path);
  std::vector<const CellField*> columns;
  for (const std::string& key : reader.header()) {
    columns.push_back(find(key));
    if (!columns.back()) reader.fail(fmt::format("column '{}' is not one of measure verify's", key));
  }
  for (const char* key : {"setting", "mode", "batch", "window", "recompute_cost"})
    if (std::find(reader.header().begin(), reader.header().end(), key) == reader.header().end())
      reader.fail(fmt::format("column '{}' is missing: this is no file of measure verify", key));
  std::vector<VerifyCell> cells;
  for (std::vector<std::string> row; reader.next(row);) {
    VerifyCell& cell = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i)
      read(cell, *columns[i], fmt::format("{}:{}: {}", path, reader.line(), columns[i]->key), row[i]);
  }
  return cells;
}

}  // namespace gemmetry::cli
