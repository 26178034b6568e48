#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/executed_whole.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/measure/measured_model.h"
#include "gemmetry/op/lower.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Each operator is measured alone, or taken from the database; then all of them one after the other in one graph,
each on buffers of its own; then the layer in one piece, as it runs in the model (a training step with the update of
its parameters). Ctrl-C ends it after the operator that is being measured; the same command goes on.
With --device recorded:GPU each operator's record answers, and the exit status is 1 where one has none.

Examples:
  gemmetry measure layer gpt3-2.7b
  gemmetry measure layer llama-2-7b --ffn 10922 --phase training --clocks sustained
  gemmetry measure layer gpt3-2.7b --clocks burst --device recorded:h200)";

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::forward};
  MeasuringOptions measuring{gpu::Clocks::sustained};
  OutputOptions output;
};

struct Row {
  op::Step step;
  std::int64_t count = 1;
  std::optional<op::Cost> cost;
  std::string how;
};

/// One layer of a kind: its steps in order.
struct Layer {
  shape::LayerKind kind;
  std::vector<op::Step> steps;
};

/// The operators of a layer one by one and in sequence.
struct Sums {
  double single_s = 0;                         ///< sum of the operators' own times
  std::optional<double> sequence_s;            ///< of all of them one after the other
  std::optional<measure::Execution> executed;  ///< of the layer in one piece
  std::size_t measured = 0, steps = 0;
  std::string reason;  ///< why there is no sequence
};

/// The first kind of layer a model has; others differ in window or experts.
Layer first_layer(const op::Program& program) {
  Layer layer;
  const auto& segments = program.segments();
  const auto first = std::find_if(segments.begin(), segments.end(),
                                  [](const op::Segment& s) { return s.part == op::Part::attention; });
  if (first == segments.end()) throw Error("the model has no layer");
  layer.kind = first->kind;
  for (const op::Segment& segment : segments) {
    const bool of_layer = segment.part == op::Part::attention || segment.part == op::Part::ffn;
    if (!of_layer || segment.kind != layer.kind) continue;
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i) layer.steps.push_back(program.steps()[i]);
  }
  return layer;
}

std::vector<Row> rows_of(const Layer& layer) {
  std::vector<Row> rows;
  for (const op::Step& step : layer.steps) {
    const auto known = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return is_same(row.step, step); });
    if (known == rows.end())
      rows.push_back({step, 1, std::nullopt, "interrupted"});
    else
      ++known->count;
  }
  return rows;
}

void measure_rows(std::vector<Row>& rows, const measure::MeasuredModel& model, const Interrupt& interrupt,
                  const Console& console) {
  std::size_t done = 0;
  for (Row& row : rows) {
    console.progress(fmt::format("{} of {} operators", done++, rows.size()));
    if (interrupt.requested()) break;
    try {
      row.cost = model.cost(row.step.op);
      row.how = model.reason(row.step.op);
    } catch (const measure::NoMeasurement& problem) {
      row.how = problem.what();
    }
  }
  console.progress("");
}

/// All measured operators of the layer one after the other.
void measure_sequence(Sums& sums, const Layer& layer, const std::vector<Row>& rows, MeasuringSession& session,
                      const measure::Sampling& sampling) {
  std::vector<op::Operator> ops;
  for (const op::Step& step : layer.steps) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.step.op == step.op; });
    if (row->cost) ops.push_back(step.op);
  }
  if (ops.empty()) return;
  try {
    measure::Subject subject(session.backend(), session.device(), ops, {},
                             {.replay = session.measurer().setting().replay});
    measure::Sampler sampler(session.backend(), session.monitor(), sampling);
    sums.sequence_s = sampler.measure(subject).median_s;
  } catch (const measure::BackendError& problem) {
    if (problem.code() == measure::StatusCode::device_lost) throw;
    sums.reason = problem.what();
  }
}

const op::Step& step_of(const Row& row) { return row.step; }

std::vector<Column<Row>> columns(bool passes, double total_s) {
  const auto measured = [](auto get) { return [get](const Row& r) { return r.cost ? Value(get(r)) : Value(); }; };
  std::vector<Column<Row>> columns = step_columns<Row>(step_of, passes);
  const std::vector<Column<Row>> times{
      {{.key = "count", .heading = "count"}, [](const Row& r) { return Value(r.count); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds},
       measured([](const Row& r) { return r.cost->time_s; })},
      {{.key = "share", .heading = "share", .unit = Unit::fraction},
       measured([=](const Row& r) { return static_cast<double>(r.count) * r.cost->time_s / total_s; })},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s},
       [](const Row& r) { return r.cost && r.cost->flop > 0 ? Value(r.cost->flop / r.cost->time_s) : Value(); }},
      {{.key = "how", .heading = "measured with", .wrap = true}, [](const Row& r) { return Value(r.how); }},
  };
  columns.insert(columns.end(), times.begin(), times.end());
  return columns;
}

std::vector<Column<Sums>> sum_columns() {
  return {
      {{.key = "", .heading = "operators measured"},
       [](const Sums& s) { return Value(fmt::format("{} of {}", s.measured, s.steps)); }},
      {{.key = "operators"}, [](const Sums& s) { return Value(static_cast<std::int64_t>(s.steps)); }},
      {{.key = "measured_operators"}, [](const Sums& s) { return Value(static_cast<std::int64_t>(s.measured)); }},
      {{.key = "sum_time_s", .heading = "sum of the operators", .unit = Unit::seconds},
       [](const Sums& s) { return Value(s.single_s); }},
      {{.key = "sequence_time_s", .heading = "one after the other", .unit = Unit::seconds},
       [](const Sums& s) { return s.sequence_s ? Value(*s.sequence_s) : Value(); }},
      {{.key = "reason", .heading = "no sequence because"},
       [](const Sums& s) { return s.reason.empty() ? Value() : Value(s.reason); }},
      {{.key = "executed_time_s", .heading = "in one piece", .unit = Unit::seconds, .interval = true},
       [](const Sums& s) {
         if (!s.executed || s.executed->status != measure::RecordStatus::ok) return Value();
         return Value(report::Interval{s.executed->measurement.median_s, s.executed->low_s, s.executed->high_s});
       }},
      {{.key = "executed_reason", .heading = "not in one piece because"},
       [](const Sums& s) { return s.executed && !s.executed->reason.empty() ? Value(s.executed->reason) : Value(); }},
  };
}

Sums sums_of(const std::vector<Row>& rows) {
  Sums sums;
  sums.steps = rows.size();
  for (const Row& row : rows) {
    if (!row.cost) continue;
    ++sums.measured;
    sums.single_s += static_cast<double>(row.count) * row.cost->time_s;
  }
  return sums;
}

report::Document document(const shape::Model& model, const shape::Workload& workload, report::Section device,
                          const std::vector<Row>& rows, const Sums& sums) {
  report::Document document;
  document.csv = "operators";
  document.sections = {
      model_section(model),
      workload_section(workload),
      std::move(device),
      {"operators", "One layer", report::List{make_table(columns(has_passes(rows, step_of), sums.single_s), rows)}},
      {"layer", "Layer", report::Facts{make_table(sum_columns(), sums)}}};
  return document;
}

Layer layer_of(const shape::Model& model, const shape::Workload& workload) {
  op::Program program;
  op::lower(model, workload, program);
  return first_layer(program);
}

/// Each operator as it was recorded: a finding where one was not.
ExitCode run_recorded_layer(const Options& options, const shape::Model& model, const Console& console) {
  const measure::Recordings recordings = load_recordings(options.measuring);
  const measure::MeasuredModel recorded(recordings, options.measuring.setting());
  const shape::Workload workload = workload_on(recorded.gpu(), options.workload, model);
  std::vector<Row> rows = rows_of(layer_of(model, workload));
  measure_rows(rows, recorded, Interrupt(), console);
  Sums sums = sums_of(rows);
  sums.reason = "operators are recorded one by one";
  sums.executed = recorded_execution(options.measuring.device().gpu(), whole_of(model, workload, true),
                                     options.measuring.setting());
  report::Section device = device_section(recordings, options.measuring.setting());
  options.output.write(document(model, workload, std::move(device), rows, sums), console);
  return sums.measured == sums.steps ? exit_ok : exit_finding;
}

ExitCode run_measure_layer(const Options& options, const Console& console) {
  const shape::Model model = options.model.model();
  if (options.measuring.device().is_recorded()) return run_recorded_layer(options, model, console);
  MeasuringSession session(options.measuring);
  const shape::Workload workload = workload_on(session, options.workload, model);
  const Layer layer = layer_of(model, workload);

  const Interrupt interrupt;
  std::vector<Row> rows = rows_of(layer);
  measure_rows(rows, measure::MeasuredModel(session.measurer(), session.store()), interrupt, console);
  Sums sums = sums_of(rows);
  if (!interrupt.requested()) measure_sequence(sums, layer, rows, session, options.measuring.sampling());
  if (!interrupt.requested()) sums.executed = executed(session, options.measuring, whole_of(model, workload, true));
  report::Section device = device_section(session.device(), &session.measurer().setting());
  options.output.write(document(model, workload, std::move(device), rows, sums), console);
  return exit_ok;
}

}  // namespace

void add_measure_layer(CLI::App& measure, Command& chosen) {
  CLI::App& sub = *measure.add_subcommand("layer", "the operators of a model's layer, alone and in sequence");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  options->workload.add_to(sub);
  options->measuring.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_measure_layer);
}

}  // namespace gemmetry::cli
