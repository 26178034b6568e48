#include <memory>

#include "gemmetry/cli/command.h"
#include "gemmetry/cli/database_option.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/measure/execution_store.h"

namespace gemmetry::cli {
namespace {

using measure::Execution;
using measure::ExecutionField;
using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Layers, models and answers that ran in one piece: by explain --compare, measure layer, measure model --db or measure decode --db.

Examples:
  gemmetry records executions
  gemmetry records executions --db runs.db --format csv --out runs.csv)";

struct Options {
  DatabaseOption database;
  OutputOptions output;
};

struct ToValue {
  Value operator()(std::monostate) const { return {}; }
  Value operator()(std::nullptr_t) const { return report::Unknown{}; }
  template <class Field>
  Value operator()(const Field& field) const {
    return field;
  }
};

report::Tone tone_of(const Execution& execution) {
  if (execution.status == measure::RecordStatus::ok) return report::Tone::plain;
  return execution.status == measure::RecordStatus::skipped ? report::Tone::warn : report::Tone::bad;
}

/// On screen a few of them, in JSON and CSV every field.
std::vector<Column<Execution>> columns() {
  using Row = Execution;
  std::vector<Column<Row>> columns{
      {{.heading = "run"}, [](const Row& e) { return Value(std::string(name(e.kind))); }},
      {{.heading = "model"}, [](const Row& e) { return Value(e.name); }},
      {{.heading = "workload"}, [](const Row& e) { return Value(e.workload); }},
      {{.heading = "GPU"},
       [](const Row& e) { return Value(std::string(e.device.gpu[0] ? e.device.gpu : e.device.name)); }},
      {{.heading = "clocks"}, [](const Row& e) { return Value(std::string(gpu::name(e.setting.clocks))); }},
      {{.heading = "launch"}, [](const Row& e) { return Value(std::string(name(e.setting.replay))); }},
      {{.heading = "time", .unit = Unit::seconds, .interval = true},
       [](const Row& e) {
         return e.samples > 0 ? Value(report::Interval{e.measurement.median_s, e.low_s, e.high_s}) : Value();
       }},
      {{.heading = "status"}, [](const Row& e) { return Value(std::string(name(e.status))); }, tone_of},
      {{.heading = "why", .wrap = true}, [](const Row& e) { return e.reason.empty() ? Value() : Value(e.reason); }},
  };
  for (const ExecutionField& field : measure::execution_fields())
    columns.push_back({{.key = field.key}, [&field](const Row& e) { return std::visit(ToValue{}, field.get(e)); }});
  return columns;
}

ExitCode run_executions(const Options& options, const Console& console) {
  measure::ExecutionStore store(options.database.path(), measure::Access::read);
  report::Document document;
  document.sections = {{"executions", "", report::List{make_table(columns(), store.list())}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_records_executions(CLI::App& records, Command& chosen) {
  CLI::App& sub = *records.add_subcommand("executions", "layers and models that ran in one piece");
  auto options = std::make_shared<Options>();
  options->database.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_executions);
}

}  // namespace gemmetry::cli
