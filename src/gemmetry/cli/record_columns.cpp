#include "gemmetry/cli/record_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/cli/record_reader.h"
#include "gemmetry/measure/record_fields.h"
#include "gemmetry/measure/site.h"

namespace gemmetry::cli {
namespace {

using measure::Record;
using measure::record_fields;
using measure::RecordField;
using measure::RecordStatus;
using report::Column;
using report::Unit;
using report::Value;

struct ToValue {
  Value operator()(std::nullptr_t) const { return report::Unknown{}; }
  template <class Field>
  Value operator()(const Field& field) const {
    return field;
  }
};

Value cell_of(const RecordField& field, const Record& record) { return std::visit(ToValue{}, field.get(record)); }

Value text(std::string_view text) { return std::string(text); }

/// The operator's dtype and layout, where it has them.
std::string type_of(const op::Operator& op) {
  std::string type;
  for (const Column<op::Operator>& column : field_columns())
    if (column.info.key == "dtype" || column.info.key == "layout")
      if (const Value value = column.get(op); const auto* word = std::get_if<std::string>(&value))
        type += (type.empty() ? "" : " ") + *word;
  return type;
}

Value rate(const Record& record) {
  const double flop = op::flop(record.op);
  if (record.samples == 0 || flop == 0) return {};
  return flop / record.measurement.median_s;
}

report::Tone tone_of(const Record& record) {
  if (record.status == RecordStatus::ok) return report::Tone::plain;
  return record.status == RecordStatus::skipped ? report::Tone::warn : report::Tone::bad;
}

/// Without keys: JSON and CSV have the same from the field table.
std::vector<Column<Record>> screen_columns() {
  const auto measured = [](double measure::Measurement::*member) {
    return [member](const Record& r) { return r.samples > 0 ? Value(r.measurement.*member) : Value(); };
  };
  return {
      {{.heading = "operator"}, [](const Record& r) { return text(kind(r.op)); }},
      {{.heading = "sizes"}, [](const Record& r) { return Value(dims(r.op)); }},
      {{.heading = "type"}, [](const Record& r) { return Value(type_of(r.op)); }},
      {{.heading = "GPU"}, [](const Record& r) { return text(r.device.gpu[0] ? r.device.gpu : r.device.name); }},
      {{.heading = "clocks"}, [](const Record& r) { return text(gpu::name(r.setting.clocks)); }},
      {{.heading = "time", .unit = Unit::seconds}, measured(&measure::Measurement::median_s)},
      {{.heading = "+-", .unit = Unit::fraction}, measured(&measure::Measurement::precision)},
      {{.heading = "rate", .unit = Unit::flop_per_s}, rate},
      {{.heading = "status"}, [](const Record& r) { return text(name(r.status)); }, tone_of},
      {{.heading = "why", .wrap = true}, [](const Record& r) { return r.reason.empty() ? Value() : Value(r.reason); }},
  };
}

constexpr std::string_view command_key = "command";

/// To six significant digits: a hundred times finer than any measurement is.
double rounded(double value) { return std::strtod(fmt::format("{:.5e}", value).c_str(), nullptr); }

bool is_measured(std::string_view key) {
  const std::vector<Column<op::Operator>>& sizes = field_columns();
  return std::none_of(sizes.begin(), sizes.end(), [&](const auto& column) { return column.info.key == key; });
}

Value compact_cell_of(const RecordField& field, const Record& record) {
  Value value = cell_of(field, record);
  if (auto* number = std::get_if<double>(&value)) *number = rounded(*number);
  if (std::holds_alternative<report::Unknown>(value)) return {};  // so that a column of nothing else is left out
  return value;
}

}  // namespace

std::vector<Column<Record>> record_columns(bool samples) {
  std::vector<Column<Record>> columns = screen_columns();
  for (const RecordField& field : record_fields())
    if (samples || field.key != measure::samples_key)
      columns.push_back({{.key = field.key}, [&field](const Record& record) { return cell_of(field, record); }});
  return columns;
}

std::vector<Column<Record>> compact_record_columns() {
  std::vector<Column<Record>> columns = screen_columns();
  for (const RecordField& field : record_fields()) {
    if (field.key == measure::samples_key || field.key == command_key) continue;
    const auto cell = is_measured(field.key) ? compact_cell_of : cell_of;  // an operator's sizes stay what they are
    columns.push_back({{.key = field.key}, [&field, cell](const Record& record) { return cell(field, record); }});
  }
  columns.push_back({{.key = std::string(measure::held_out_key)},
                     [](const Record& record) { return Value(measure::is_held_out(record.op)); }});
  return columns;
}

std::vector<Record> read_records(std::istream& stream, const std::string& source) {
  RecordReader reader(stream, source);
  std::vector<Record> records;
  for (measure::FiledRecord filed; reader.next(filed);) records.push_back(std::move(filed.record));
  return records;
}

}  // namespace gemmetry::cli
