#include "gemmetry/cli/executed_whole.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/base/version.h"
#include "gemmetry/cli/execution_file.h"
#include "gemmetry/measure/execution_store.h"
#include "gemmetry/run/whole_runner.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

/// Operators of a module, and the module in what was executed.
struct ModuleTimes {
  op::Module module = op::Module::input_embedding;
  double predicted_s = 0;
  std::optional<double> measured_s = 0;  ///< absent where one of its operators was not measured
  std::optional<double> executed_s;
};

struct Answer {
  const Comparison& comparison;
  const measure::Execution& execution;
  double predicted_s = 0;
  std::optional<double> measured_s = 0;

  bool ok() const { return execution.status == measure::RecordStatus::ok; }
  double time_s() const { return execution.measurement.median_s; }
};

void add(std::optional<double>& sum, std::optional<double> term) {
  sum = sum && term ? std::optional(*sum + *term) : std::nullopt;
}

std::vector<ModuleTimes> modules_of(const Comparison& comparison, const measure::Execution& execution) {
  std::vector<ModuleTimes> modules;
  for (const ComparedOperator& row : comparison.operators) {
    const op::PricedStep& priced = row.explained.priced;
    auto found = std::find_if(modules.begin(), modules.end(),
                              [&](const ModuleTimes& one) { return one.module == priced.step.module; });
    if (found == modules.end()) {
      found = modules.insert(modules.end(), ModuleTimes{priced.step.module});
      if (const auto time = execution.module_s.find(priced.step.module); time != execution.module_s.end())
        found->executed_s = time->second;
    }
    found->predicted_s += priced.count * priced.cost.time_s;
    add(found->measured_s, row.measured ? std::optional(priced.count * row.measured->time_s) : std::nullopt);
  }
  return modules;
}

Value known(const std::optional<double>& number) { return number ? Value(*number) : Value(); }

std::vector<Column<ModuleTimes>> module_columns() {
  using Row = ModuleTimes;
  return {
      {{.key = "module", .heading = "module"}, [](const Row& r) { return Value(std::string(name(r.module))); }},
      {{.key = "predicted_time_s", .heading = "predicted", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.predicted_s); }},
      {{.key = "measured_time_s", .heading = "operators measured", .unit = Unit::seconds},
       [](const Row& r) { return known(r.measured_s); }},
      {{.key = "executed_time_s", .heading = "executed", .unit = Unit::seconds},
       [](const Row& r) { return known(r.executed_s); }},
  };
}

std::vector<Column<Answer>> answer_columns() {
  using Row = Answer;
  const auto beside = [](const std::optional<double>& sum, const Row& r) {
    return sum && r.ok() ? Value(*sum / r.time_s() - 1) : Value();
  };
  return {
      {{.key = "run", .heading = "run"}, [](const Row& r) { return Value(std::string(name(r.execution.kind))); }},
      {{.key = "status"}, [](const Row& r) { return Value(std::string(name(r.execution.status))); }},
      {{.key = "predicted_time_s", .heading = "sum of the operators, predicted", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.predicted_s); }},
      {{.key = "measured_time_s", .heading = "sum of the operators, measured", .unit = Unit::seconds},
       [](const Row& r) { return known(r.measured_s); }},
      {{.key = "executed_time_s", .heading = "executed", .unit = Unit::seconds, .interval = true},
       [](const Row& r) {
         const measure::Execution& e = r.execution;
         return r.ok() ? Value(report::Interval{r.time_s(), e.low_s, e.high_s}) : Value();
       }},
      {{.key = "predicted_error", .heading = "predicted, beside it", .unit = Unit::fraction},
       [=](const Row& r) { return beside(r.predicted_s, r); }},
      {{.key = "measured_error", .heading = "measured, beside it", .unit = Unit::fraction},
       [=](const Row& r) { return beside(r.measured_s, r); }},
      {{.key = "samples"}, [](const Row& r) { return r.ok() ? Value(r.execution.samples) : Value(); }},
      {{.key = "fused_steps", .heading = "fused steps"},
       [](const Row& r) { return r.execution.fused_steps ? Value(true) : Value(); }},
      {{.key = "time", .heading = "when"},
       [](const Row& r) { return r.execution.time.empty() ? Value() : Value(r.execution.time); }},
      {{.key = "reason", .heading = "not executed because"},
       [](const Row& r) { return r.execution.reason.empty() ? Value() : Value(r.execution.reason); }},
  };
}

}  // namespace

measure::Execution executed(MeasuringSession& session, const MeasuringOptions& options, const measure::Whole& whole) {
  measure::Setting setting = session.measurer().setting();
  setting.warm = false;
  measure::ExecutionStore store(session.store().path());
  measure::Execution asked = blank_execution(whole, setting);
  asked.device = session.device();
  asked.tool = version;
  if (const std::optional<measure::Execution> known = store.get(identity(asked));
      known && known->status != measure::RecordStatus::failed)
    return *known;
  run::WholeRunner runner(session.backend(), session.monitor(),
                          {.sampling = options.sampling(), .tuned = session.tuned(), .tool = std::string(version)});
  const measure::Execution execution = runner.execute(whole, setting);
  store.put(execution);
  return execution;
}

measure::Execution recorded_execution(const std::string& gpu, const measure::Whole& whole,
                                      const measure::Setting& setting) {
  const measure::Executions recorded = recorded_executions(gpu);
  if (const measure::Execution* found = recorded.find(whole, setting)) return *found;
  measure::Execution none = blank_execution(whole, setting);
  none.status = measure::RecordStatus::skipped;
  none.reason = fmt::format("no record of this {} on {}", name(whole.kind), gpu);
  return none;
}

measure::Whole whole_of(const shape::Model& model, const shape::Workload& workload, bool one_layer) {
  measure::Whole whole;
  whole.kind = one_layer ? measure::WholeKind::layer : measure::WholeKind::model;
  whole.model = model;
  whole.workload = workload;
  return whole;
}

std::vector<report::Section> executed_sections(const Comparison& comparison, const measure::Execution& execution) {
  const std::vector<ModuleTimes> modules = modules_of(comparison, execution);
  Answer answer{comparison, execution};
  for (const ModuleTimes& one : modules) {
    answer.predicted_s += one.predicted_s;
    add(answer.measured_s, one.measured_s);
  }
  std::vector<report::Section> sections{
      {"executed", "Executed in one piece", report::Facts{make_table(answer_columns(), answer)}}};
  if (!execution.module_s.empty())
    sections.push_back({"executed.modules", "By module, each kernel timed by itself",
                        report::List{make_table(module_columns(), modules)}});
  return sections;
}

}  // namespace gemmetry::cli
