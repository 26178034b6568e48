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

/// The place in a record, const or not, that a field stands for: at(&Record::device, &DeviceInfo::gpu).
template <class... Members>
auto at(Members... members) {
  return [=](auto& record) -> auto& { return (record.*....*members); };
}

template <class Value>
FieldValue value_of(const Value& value) {
  if constexpr (std::is_enum_v<Value>)
    return std::string(op::word(value));
  else
    return value;
}

template <class Place>
RecordField whole_field(const char* key, Place place, std::int64_t low) {
  using Whole = std::remove_cvref_t<decltype(place(std::declval<Record&>()))>;
  return {key, [place](const Record& record) { return FieldValue(std::int64_t{place(record)}); },
          [=](Record& record, const std::string& text) {
            if (text.empty()) return;
            const std::int64_t value = whole_number(key, text, low);
            if (value > std::numeric_limits<Whole>::max()) refuse_text(key, text, "a smaller number");
            place(record) = static_cast<Whole>(value);
          }};
}

FieldValue finite(double value) { return std::isfinite(value) ? FieldValue(value) : FieldValue(nullptr); }

template <class Place>
RecordField number_field(const char* key, Place place) {
  return {key, [place](const Record& record) { return finite(place(record)); },
          [=](Record& record, const std::string& text) {
            if (!text.empty()) place(record) = number(key, text);
          }};
}

/// Where 0 stands for what the library or the machine does not say.
template <class Place>
RecordField known_field(const char* key, Place place, std::int64_t low = 0) {
  constexpr bool real = std::is_floating_point_v<std::remove_cvref_t<decltype(place(std::declval<Record&>()))>>;
  RecordField field = [&] {
    if constexpr (real)
      return number_field(key, place);
    else
      return whole_field(key, place, low);
  }();
  field.get = [place, get = field.get](const Record& record) {
    return place(record) == 0 ? FieldValue(nullptr) : get(record);
  };
  return field;
}

template <class Place>
RecordField optional_field(const char* key, Place place) {
  return {key,
          [place](const Record& record) {
            const std::optional<double>& value = place(record);
            return value ? finite(*value) : FieldValue(nullptr);
          },
          [=](Record& record, const std::string& text) {
            if (!text.empty()) place(record) = number(key, text);
          }};
}

template <class Place>
RecordField text_field(const char* key, Place place) {
  return {key,
          [place](const Record& record) {
            std::string text(place(record));
            return text.empty() ? FieldValue(nullptr) : FieldValue(std::move(text));
          },
          [=](Record& record, const std::string& text) {
            auto& target = place(record);
            if constexpr (std::is_array_v<std::remove_reference_t<decltype(target)>>) {
              if (text.size() >= sizeof target)
                refuse_text(key, text, fmt::format("at most {} characters", sizeof target - 1));
              std::memcpy(target, text.c_str(), text.size() + 1);
            } else {
              target = text;
            }
          }};
}

/// A field of an enumeration that has `name` and a function from names.
template <class Place, class Name, class FromName>
RecordField name_field(const char* key, Place place, Name name_of, FromName from_name) {
  return {key, [=](const Record& record) { return FieldValue(std::string(name_of(place(record)))); },
          [=](Record& record, const std::string& text) {
            if (!text.empty()) place(record) = from_name(text);
          }};
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
  add_measured(number_field("time_s", at(&Record::measurement, &Measurement::median_s)));
  add_measured(number_field("p10_s", at(&Record::measurement, &Measurement::p10_s)));
  add_measured(number_field("p90_s", at(&Record::measurement, &Measurement::p90_s)));
  add_measured(whole_field("samples", at(&Record::samples), 0));
  add_measured(number_field("precision", at(&Record::measurement, &Measurement::precision)));
  add_measured(name_field(
      "ending", at(&Record::measurement, &Measurement::ending), [](Ending e) { return name(e); }, ending_from_name));
  add_measured(whole_field("calls_per_sample", at(&Record::measurement, &Measurement::calls_per_sample), 1));
  add_measured(number_field("overhead_s", at(&Record::measurement, &Measurement::overhead_s)));
  add_measured(optional_field("clock_mhz", at(&Record::measurement, &Measurement::clocks, &ClockReading::clock_mhz)));
  add_measured(
      optional_field("clock_low_mhz", at(&Record::measurement, &Measurement::clocks, &ClockReading::clock_low_mhz)));
  add_measured(optional_field("memory_clock_mhz",
                              at(&Record::measurement, &Measurement::clocks, &ClockReading::memory_clock_mhz)));
  add_measured(optional_field("power_w", at(&Record::measurement, &Measurement::clocks, &ClockReading::power_w)));
  add_measured(
      optional_field("temperature_c", at(&Record::measurement, &Measurement::clocks, &ClockReading::temperature_c)));
  add_measured(text_field("throttle", at(&Record::measurement, &Measurement::clocks, &ClockReading::throttle)));
}

void add_algorithm_fields(std::vector<RecordField>& fields) {
  fields.push_back(text_field("algorithm.library", at(&Record::algorithm, &AlgorithmInfo::library)));
  fields.push_back(text_field("algorithm.kernel", at(&Record::algorithm, &AlgorithmInfo::kernel)));
  fields.push_back(known_field("algorithm.id", at(&Record::algorithm, &AlgorithmInfo::id)));
  fields.push_back(known_field("algorithm.tile_m", at(&Record::algorithm, &AlgorithmInfo::tile_m)));
  fields.push_back(known_field("algorithm.tile_n", at(&Record::algorithm, &AlgorithmInfo::tile_n)));
  fields.push_back(known_field("algorithm.stages", at(&Record::algorithm, &AlgorithmInfo::stages)));
  fields.push_back(known_field("algorithm.split_k", at(&Record::algorithm, &AlgorithmInfo::split_k), -1));
  fields.push_back(known_field("algorithm.cluster_m", at(&Record::algorithm, &AlgorithmInfo::cluster_m)));
  fields.push_back(known_field("algorithm.cluster_n", at(&Record::algorithm, &AlgorithmInfo::cluster_n)));
  fields.push_back(known_field("algorithm.swizzle", at(&Record::algorithm, &AlgorithmInfo::swizzle)));
  fields.push_back(known_field("algorithm.waves", at(&Record::algorithm, &AlgorithmInfo::waves)));
  fields.push_back(known_field("algorithm.workspace_bytes", at(&Record::algorithm, &AlgorithmInfo::workspace_bytes)));
  fields.push_back(text_field("algorithm.key", at(&Record::algorithm, &AlgorithmInfo::key)));
}

void add_origin_fields(std::vector<RecordField>& fields) {
  fields.push_back(text_field("gpu", at(&Record::device, &DeviceInfo::gpu)));
  fields.push_back(text_field("device", at(&Record::device, &DeviceInfo::name)));
  fields.push_back(text_field("backend", at(&Record::device, &DeviceInfo::backend)));
  fields.push_back(text_field("uuid", at(&Record::device, &DeviceInfo::uuid)));
  fields.push_back(known_field("sms", at(&Record::device, &DeviceInfo::sms)));
  fields.push_back(known_field("l2_bytes", at(&Record::device, &DeviceInfo::l2_bytes)));
  fields.push_back(text_field("driver", at(&Record::device, &DeviceInfo::driver)));
  fields.push_back(text_field("runtime", at(&Record::device, &DeviceInfo::runtime)));
  fields.push_back(text_field("products", at(&Record::device, &DeviceInfo::products)));
  fields.push_back(text_field("attention", at(&Record::device, &DeviceInfo::attention)));
  fields.push_back(text_field("tool", at(&Record::tool)));
  fields.push_back(whole_field("method", at(&Record::method), 1));
  fields.push_back(text_field("time", at(&Record::time)));
  fields.push_back(text_field("command", at(&Record::command)));
}

std::vector<RecordField> make_fields() {
  std::vector<RecordField> fields{kind_field()};
  add_operator_fields(fields);
  fields.push_back(name_field(
      "clocks", at(&Record::setting, &Setting::clocks), [](gpu::Clocks c) { return gpu::name(c); }, clocks_from_name));
  fields.push_back(name_field(
      "policy", at(&Record::setting, &Setting::policy), [](Policy p) { return name(p); }, policy_from_name));
  fields.push_back(name_field(
      "launch", at(&Record::setting, &Setting::replay), [](Replay p) { return name(p); }, replay_from_name));
  fields.push_back(name_field("cache", at(&Record::setting, &Setting::warm), cache_name, warm_from_name));
  fields.push_back(whole_field("take", at(&Record::take), 0));
  fields.push_back(name_field(
      "status", at(&Record::status), [](RecordStatus s) { return name(s); }, status_from_name));
  fields.push_back(text_field("reason", at(&Record::reason)));
  add_measurement_fields(fields);
  add_algorithm_fields(fields);
  fields.push_back(optional_field("error", at(&Record::error)));
  add_origin_fields(fields);
  fields.push_back(samples_field());
  return fields;
}

struct Text {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(std::nullptr_t) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<double>& values) const { return fmt::format("{}", fmt::join(values, " ")); }
  template <class Number>
  std::string operator()(Number value) const {
    return fmt::format("{}", value);
  }
};

}  // namespace

const std::vector<RecordField>& record_fields() {
  static const std::vector<RecordField> fields = make_fields();
  return fields;
}

std::string text_of(const FieldValue& value) { return std::visit(Text{}, value); }

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
