#include "gemmetry/measure/record_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/op/limits.h"

namespace gemmetry::measure {
namespace {

using make = FieldMaker<Record>;

template <class Value>
FieldValue value_of(const Value& value) {
  if constexpr (std::is_enum_v<Value>)
    return std::string(op::word(value));
  else
    return value;
}

/// Only of records with samples.
RecordField of_measured(RecordField field) {
  field.get = [get = std::move(field.get)](const Record& record) {
    return record.samples > 0 ? get(record) : FieldValue();
  };
  return field;
}

FieldValue operator_value(const op::Operator& op, std::string_view name) {
  return std::visit(
      [&]<class Op>(const Op& one) {
        FieldValue value;
        op::for_each_field<Op>([&](const auto& field) {
          if (field.name == name) value = value_of(one.*field.member);
        });
        return value;
      },
      op);
}

void set_operator_value(op::Operator& op, std::string_view name, const std::string& text) {
  std::visit(
      [&]<class Op>(Op& one) {
        bool known = false;
        op::for_each_field<Op>([&](const auto& field) {
          if (field.name != name) return;
          known = true;
          if (text.empty() && field.required) throw Error(fmt::format("{} needs it", Op::kind));
          if (!text.empty()) op::read(name, text, field.required, one.*field.member);
        });
        if (!known && !text.empty()) refuse_text(name, text, fmt::format("nothing: {} has no such field", Op::kind));
      },
      op);
}

RecordField kind_field() {
  return {"kind", [](const Record& record) { return FieldValue(std::string(kind(record.op))); },
          [](Record& record, const std::string& text) { record.op = op::operator_of_kind(text); }};
}

void add_operator_fields(std::vector<RecordField>& fields) {
  std::set<std::string, std::less<>> known;
  op::for_each_type([&]<class Op>(const Op&) {
    op::for_each_field<Op>([&](const auto& field) {
      const std::string key(field.name);
      if (!known.insert(key).second) return;
      fields.push_back({key, [key](const Record& record) { return operator_value(record.op, key); },
                        [key](Record& record, const std::string& text) { set_operator_value(record.op, key, text); }});
    });
  });
}

RecordField samples_field() {
  return {std::string(samples_key),
          [](const Record& record) {
            const std::vector<double>& samples = record.measurement.samples_s;
            return samples.empty() ? FieldValue() : FieldValue(samples);
          },
          [](Record& record, const std::string& text) {
            std::vector<double>& samples = record.measurement.samples_s;
            samples.clear();
            for (std::size_t start = 0; start < text.size();) {
              const std::size_t end = std::min(text.find(' ', start), text.size());
              samples.push_back(number(samples_key, std::string_view(text).substr(start, end - start)));
              start = end + 1;
            }
          }};
}

void add_measurement_fields(std::vector<RecordField>& fields) {
  const auto add_measured = [&](RecordField field) { fields.push_back(of_measured(std::move(field))); };
  add_measured(make::number_field("time_s", make::at(&Record::measurement, &Measurement::median_s)));
  add_measured(make::number_field("p10_s", make::at(&Record::measurement, &Measurement::p10_s)));
  add_measured(make::number_field("p90_s", make::at(&Record::measurement, &Measurement::p90_s)));
  add_measured(make::whole_field("samples", make::at(&Record::samples), 0));
  add_measured(make::number_field("precision", make::at(&Record::measurement, &Measurement::precision)));
  add_measured(make::name_field(
      "ending", make::at(&Record::measurement, &Measurement::ending), [](Ending e) { return name(e); },
      ending_from_name));
  add_measured(
      make::whole_field("calls_per_sample", make::at(&Record::measurement, &Measurement::calls_per_sample), 1));
  add_measured(make::number_field("overhead_s", make::at(&Record::measurement, &Measurement::overhead_s)));
  add_measured(make::optional_field("clock_mhz",
                                    make::at(&Record::measurement, &Measurement::clocks, &ClockReading::clock_mhz)));
  add_measured(make::optional_field(
      "clock_low_mhz", make::at(&Record::measurement, &Measurement::clocks, &ClockReading::clock_low_mhz)));
  add_measured(make::optional_field(
      "memory_clock_mhz", make::at(&Record::measurement, &Measurement::clocks, &ClockReading::memory_clock_mhz)));
  add_measured(
      make::optional_field("power_w", make::at(&Record::measurement, &Measurement::clocks, &ClockReading::power_w)));
  add_measured(make::optional_field(
      "temperature_c", make::at(&Record::measurement, &Measurement::clocks, &ClockReading::temperature_c)));
  add_measured(
      make::text_field("throttle", make::at(&Record::measurement, &Measurement::clocks, &ClockReading::throttle)));
}

void add_algorithm_fields(std::vector<RecordField>& fields) {
  fields.push_back(make::text_field("algorithm.library", make::at(&Record::algorithm, &AlgorithmInfo::library)));
  fields.push_back(make::text_field("algorithm.kernel", make::at(&Record::algorithm, &AlgorithmInfo::kernel)));
  fields.push_back(make::known_field("algorithm.id", make::at(&Record::algorithm, &AlgorithmInfo::id)));
  fields.push_back(make::known_field("algorithm.tile_m", make::at(&Record::algorithm, &AlgorithmInfo::tile_m)));
  fields.push_back(make::known_field("algorithm.tile_n", make::at(&Record::algorithm, &AlgorithmInfo::tile_n)));
  fields.push_back(make::known_field("algorithm.stages", make::at(&Record::algorithm, &AlgorithmInfo::stages)));
  fields.push_back(make::known_field("algorithm.split_k", make::at(&Record::algorithm, &AlgorithmInfo::split_k), -1));
  fields.push_back(make::known_field("algorithm.cluster_m", make::at(&Record::algorithm, &AlgorithmInfo::cluster_m)));
  fields.push_back(make::known_field("algorithm.cluster_n", make::at(&Record::algorithm, &AlgorithmInfo::cluster_n)));
  fields.push_back(make::known_field("algorithm.swizzle", make::at(&Record::algorithm, &AlgorithmInfo::swizzle)));
  fields.push_back(make::known_field("algorithm.waves", make::at(&Record::algorithm, &AlgorithmInfo::waves)));
  fields.push_back(
      make::known_field("algorithm.workspace_bytes", make::at(&Record::algorithm, &AlgorithmInfo::workspace_bytes)));
  fields.push_back(make::text_field("algorithm.key", make::at(&Record::algorithm, &AlgorithmInfo::key)));
}

void add_origin_fields(std::vector<RecordField>& fields) {
  fields.push_back(make::text_field("gpu", make::at(&Record::device, &DeviceInfo::gpu)));
  fields.push_back(make::text_field("device", make::at(&Record::device, &DeviceInfo::name)));
  fields.push_back(make::text_field("backend", make::at(&Record::device, &DeviceInfo::backend)));
  fields.push_back(make::text_field("uuid", make::at(&Record::device, &DeviceInfo::uuid)));
  fields.push_back(make::known_field("sms", make::at(&Record::device, &DeviceInfo::sms)));
  fields.push_back(make::known_field("l2_bytes", make::at(&Record::device, &DeviceInfo::l2_bytes)));
  fields.push_back(make::text_field("driver", make::at(&Record::device, &DeviceInfo::driver)));
  fields.push_back(make::text_field("runtime", make::at(&Record::device, &DeviceInfo::runtime)));
  fields.push_back(make::text_field("products", make::at(&Record::device, &DeviceInfo::products)));
  fields.push_back(make::text_field("attention", make::at(&Record::device, &DeviceInfo::attention)));
  fields.push_back(make::text_field("tool", make::at(&Record::tool)));
  fields.push_back(make::whole_field("method", make::at(&Record::method), 1));
  fields.push_back(make::text_field("time", make::at(&Record::time)));
  fields.push_back(make::text_field("command", make::at(&Record::command)));
}

std::vector<RecordField> make_fields() {
  std::vector<RecordField> fields{kind_field()};
  add_operator_fields(fields);
  fields.push_back(make::name_field(
      "clocks", make::at(&Record::setting, &Setting::clocks), [](gpu::Clocks c) { return gpu::name(c); },
      clocks_from_name));
  fields.push_back(make::name_field(
      "policy", make::at(&Record::setting, &Setting::policy), [](Policy p) { return name(p); }, policy_from_name));
  fields.push_back(make::name_field(
      "launch", make::at(&Record::setting, &Setting::replay), [](Replay p) { return name(p); }, replay_from_name));
  fields.push_back(make::name_field("cache", make::at(&Record::setting, &Setting::warm), cache_name, warm_from_name));
  fields.push_back(make::whole_field("take", make::at(&Record::take), 0));
  fields.push_back(make::name_field(
      "status", make::at(&Record::status), [](RecordStatus s) { return name(s); }, status_from_name));
  fields.push_back(make::text_field("reason", make::at(&Record::reason)));
  add_measurement_fields(fields);
  add_algorithm_fields(fields);
  fields.push_back(make::optional_field("error", make::at(&Record::error)));
  add_origin_fields(fields);
  fields.push_back(samples_field());
  return fields;
}

}  // namespace

const std::vector<RecordField>& record_fields() {
  static const std::vector<RecordField> fields = make_fields();
  return fields;
}

Record read_record(const std::function<std::string(std::size_t)>& text) {
  const std::vector<RecordField>& fields = record_fields();
  Record record;
  std::set<std::string, std::less<>> given;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string value = text(i);
    if (!value.empty()) given.insert(fields[i].key);
    try {
      fields[i].set(record, value);
    } catch (const Error& problem) {
      throw Error(fmt::format("column '{}': {}", fields[i].key, problem.what()));
    }
  }
  complete(record.op, [&](std::string_view name) { return given.contains(name); });
  require_priceable(record.op);
  const auto samples = static_cast<std::int64_t>(record.measurement.samples_s.size());
  if (samples > 0 && record.samples != samples)
    throw Error(fmt::format("column 'samples': {} said, but {} in {}", record.samples, samples, samples_key));
  return record;
}

}  // namespace gemmetry::measure
