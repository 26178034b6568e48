#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/execution.h"
#include "gemmetry/op/field_text.h"

namespace gemmetry::measure {
namespace {

using make = FieldMaker<Execution>;

/// Only of what has a time.
ExecutionField of_executed(ExecutionField field) {
  field.get = [get = std::move(field.get)](const Execution& execution) {
    return execution.samples > 0 ? get(execution) : FieldValue();
  };
  return field;
}

/// A number of the slow-down, which the first one that is set brings about.
ExecutionField slowdown_field(const char* key, double Slowdown::*member) {
  return {key, [member](const Execution& e) { return e.slowdown ? FieldValue((*e.slowdown).*member) : FieldValue(); },
          [key, member](Execution& e, const std::string& text) {
            if (text.empty()) return;
            if (!e.slowdown) e.slowdown.emplace();
            (*e.slowdown).*member = number(key, text);
          }};
}

/// "modules.qkv_transform"
std::string key_of(op::Module module) {
  std::string key = "modules.";
  for (const char c : op::name(module)) key += c == ' ' ? '_' : static_cast<char>(std::tolower(c));
  return key;
}

ExecutionField module_field(op::Module module) {
  const std::string key = key_of(module);
  return {key,
          [module](const Execution& e) {
            const auto found = e.module_s.find(module);
            return found == e.module_s.end() ? FieldValue() : FieldValue(found->second);
          },
          [module, key](Execution& e, const std::string& text) {
            if (!text.empty()) e.module_s[module] = number(key, text);
          }};
}

ExecutionField fused_steps_field() {
  return {"fused_steps", [](const Execution& e) { return FieldValue(e.fused_steps); },
          [](Execution& e, const std::string& text) {
            if (!text.empty()) op::read("fused_steps", text, true, e.fused_steps);
          }};
}

void add_question(std::vector<ExecutionField>& fields) {
  fields.push_back(make::name_field(
      "run", make::at(&Execution::kind), [](WholeKind k) { return name(k); }, whole_kind_from_name));
  fields.push_back(make::text_field("name", make::at(&Execution::name)));
  fields.push_back(make::text_field("model", make::at(&Execution::model)));
  fields.push_back(make::text_field("workload", make::at(&Execution::workload)));
  fields.push_back(make::text_field("baseline", make::at(&Execution::baseline)));
  fields.push_back(make::name_field(
      "clocks", make::at(&Execution::setting, &Setting::clocks), [](gpu::Clocks c) { return gpu::name(c); },
      clocks_from_name));
  fields.push_back(make::name_field(
      "policy", make::at(&Execution::setting, &Setting::policy), [](Policy p) { return name(p); }, policy_from_name));
  fields.push_back(make::name_field(
      "launch", make::at(&Execution::setting, &Setting::replay), [](Replay p) { return name(p); }, replay_from_name));
  fields.push_back(fused_steps_field());
}

void add_answer(std::vector<ExecutionField>& fields) {
  const auto add = [&](ExecutionField field) { fields.push_back(of_executed(std::move(field))); };
  fields.push_back(make::name_field(
      "status", make::at(&Execution::status), [](RecordStatus s) { return name(s); }, status_from_name));
  fields.push_back(make::text_field("reason", make::at(&Execution::reason)));
  add(make::number_field("time_s", make::at(&Execution::measurement, &Measurement::median_s)));
  add(make::number_field("low_s", make::at(&Execution::low_s)));
  add(make::number_field("high_s", make::at(&Execution::high_s)));
  add(make::number_field("p10_s", make::at(&Execution::measurement, &Measurement::p10_s)));
  add(make::number_field("p90_s", make::at(&Execution::measurement, &Measurement::p90_s)));
  add(make::whole_field("samples", make::at(&Execution::samples), 0));
  add(make::optional_field("prompt_s", make::at(&Execution::prompt_s)));
  fields.push_back(slowdown_field("baseline_s", &Slowdown::baseline_s));
  fields.push_back(slowdown_field("slowdown", &Slowdown::value));
  fields.push_back(slowdown_field("slowdown_low", &Slowdown::low));
  fields.push_back(slowdown_field("slowdown_high", &Slowdown::high));
  add(make::optional_field("clock_mhz",
                           make::at(&Execution::measurement, &Measurement::clocks, &ClockReading::clock_mhz)));
  for (int i = 0; i <= static_cast<int>(op::Module::data_parallel); ++i)
    fields.push_back(module_field(static_cast<op::Module>(i)));
}

void add_origin(std::vector<ExecutionField>& fields) {
  const auto device = [](auto member) { return make::at(&Execution::device, member); };
  fields.push_back(make::text_field("gpu", device(&DeviceInfo::gpu)));
  fields.push_back(make::text_field("device", device(&DeviceInfo::name)));
  fields.push_back(make::text_field("backend", device(&DeviceInfo::backend)));
  fields.push_back(make::text_field("uuid", device(&DeviceInfo::uuid)));
  fields.push_back(make::known_field("sms", device(&DeviceInfo::sms)));
  fields.push_back(make::text_field("driver", device(&DeviceInfo::driver)));
  fields.push_back(make::text_field("runtime", device(&DeviceInfo::runtime)));
  fields.push_back(make::text_field("products", device(&DeviceInfo::products)));
  fields.push_back(make::text_field("attention", device(&DeviceInfo::attention)));
  fields.push_back(make::text_field("tool", make::at(&Execution::tool)));
  fields.push_back(make::whole_field("method", make::at(&Execution::method), 1));
  fields.push_back(make::text_field("time", make::at(&Execution::time)));
  fields.push_back(make::text_field("command", make::at(&Execution::command)));
}

std::vector<ExecutionField> make_fields() {
  std::vector<ExecutionField> fields;
  add_question(fields);
  add_answer(fields);
  add_origin(fields);
  return fields;
}

}  // namespace

const std::vector<ExecutionField>& execution_fields() {
  static const std::vector<ExecutionField> fields = make_fields();
  return fields;
}

Execution read_execution(const std::function<std::string(std::size_t)>& text) {
  const std::vector<ExecutionField>& fields = execution_fields();
  Execution execution;
  for (std::size_t i = 0; i < fields.size(); ++i) try {
      fields[i].set(execution, text(i));
    } catch (const Error& problem) {
      throw Error(fmt::format("column '{}': {}", fields[i].key, problem.what()));
    }
  if (execution.model.empty()) throw Error("column 'model': is empty; an executed whole has one");
  if (execution.workload.empty()) throw Error("column 'workload': is empty; an executed whole has one");
  const bool timed = execution.samples > 0 && execution.measurement.median_s > 0;
  if (execution.status == RecordStatus::ok && !timed)
    throw Error("column 'time_s': a record that is ok has a time above 0 and samples");
  return execution;
}

}  // namespace gemmetry::measure
