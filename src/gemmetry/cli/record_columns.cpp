#include "gemmetry/cli/record_columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/cli/csv_reader.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/measure/record_fields.h"

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

/// For each field its column of the file, or -1. Error for columns that are no field.
std::vector<int> match_columns(const CsvReader& reader) {
  std::vector<int> columns;
  std::vector<std::string> keys;
  const std::vector<std::string>& header = reader.header();
  for (const RecordField& field : record_fields()) {
    const auto at = std::find(header.begin(), header.end(), field.key);
    columns.push_back(at == header.end() ? -1 : static_cast<int>(at - header.begin()));
    keys.push_back(field.key);
  }
  for (const std::string& column : header)
    if (std::find(keys.begin(), keys.end(), column) == keys.end())
      reader.fail(fmt::format("column '{}' is no field of a record{}", column, did_you_mean(column, keys)));
  if (columns.front() < 0)
    reader.fail("column 'kind' is missing: records are read as gemmetry records export writes them");
  return columns;
}

}  // namespace

std::vector<Column<Record>> record_columns(bool samples) {
  std::vector<Column<Record>> columns = screen_columns();
  for (const RecordField& field : record_fields())
    if (samples || field.key != measure::samples_key)
      columns.push_back({{.key = field.key}, [&field](const Record& record) { return cell_of(field, record); }});
  return columns;
}

std::vector<Record> read_records(std::istream& stream, const std::string& source) {
  CsvReader reader(stream, source);
  const std::vector<int> columns = match_columns(reader);
  std::vector<Record> records;
  for (std::vector<std::string> cells; reader.next(cells);) {
    const auto cell = [&](std::size_t field) {
      return columns[field] < 0 ? std::string() : cells[static_cast<std::size_t>(columns[field])];
    };
    try {
      records.push_back(measure::read_record(cell));
    } catch (const Error& problem) {
      reader.fail(problem.what());
    }
  }
  return records;
}

}  // namespace gemmetry::cli
