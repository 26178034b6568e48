#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/base/version.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/executed_whole.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/run_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/measure/execution_store.h"
#include "gemmetry/measure/sampler.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/executable.h"
#include "gemmetry/run/executor.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;
using run::StepTime;

constexpr auto examples =
    R"(The whole model runs, from tokens to logits, on one device: the same steps that gemmetry explain prices. The total
is timed as one graph or as a stream of launches; then each step is timed on its own, which leaves the total as it is.

Examples:
  gemmetry measure model pythia-410m --batch 8 --seq 512
  gemmetry measure model llama-2-7b --layers 4 --launch stream --format json
  gemmetry measure model --weights my/checkpoint --dtype fp32 --seq 16 --tokens tokens.txt --logits logits.f32)";

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::forward};
  RunOptions run;
  OutputOptions output;
  std::string tokens, logits, database;
};

/// What the whole model took.
struct Totals {
  measure::Sampling sampling;
  measure::Measurement measured;  ///< of the whole
  double steps_s = 0;
  std::int64_t tokens = 0;
  double flop = 0;
  std::int64_t weight_bytes = 0;
  std::int64_t activation_bytes = 0;

  double time_s() const { return measured.median_s; }
};

double flop_of(const op::Program& program) {
  double flop = 0;
  for (std::size_t i = 0; i < program.steps().size(); ++i)
    flop += static_cast<double>(program.count(i)) * op::flop(program.steps()[i].op);
  return flop;
}

const op::Step& step_of(const StepTime& time) { return time.step; }

/// Steps that are shown as one row.
std::vector<StepTime> merged(const std::vector<StepTime>& times) {
  std::vector<StepTime> rows;
  for (const StepTime& time : times) {
    const auto known =
        std::find_if(rows.begin(), rows.end(), [&](const StepTime& row) { return is_same(row.step, time.step); });
    if (known == rows.end()) {
      rows.push_back(time);
    } else {
      known->runs += time.runs;
      known->time_s += time.time_s;
    }
  }
  return rows;
}

std::vector<Column<StepTime>> columns(double total_s) {
  using Row = StepTime;
  const auto flop = [](const Row& r) { return static_cast<double>(r.runs) * op::flop(r.step.op); };
  std::vector<Column<Row>> columns = step_columns<Row>(step_of, false);
  const std::vector<Column<Row>> times{
      {{.key = "count", .heading = "count"}, [](const Row& r) { return Value(r.runs); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds}, [](const Row& r) { return Value(r.time_s); }},
      {{.key = "share", .heading = "share", .unit = Unit::fraction},
       [=](const Row& r) { return Value(r.time_s / total_s); }},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s},
       [=](const Row& r) { return flop(r) > 0 ? Value(flop(r) / r.time_s) : Value(); }},
  };
  columns.insert(columns.end(), times.begin(), times.end());
  return columns;
}

std::vector<Column<Totals>> total_columns(measure::Replay replay) {
  using Row = Totals;
  const auto rate = [](const Row& t) { return t.flop / t.time_s(); };
  return {
      {{.key = "launch", .heading = "launch"}, [=](const Row&) { return Value(std::string(name(replay))); }},
      {{.key = "clocks", .heading = "clocks"},
       [](const Row& t) { return Value(std::string(name(t.sampling.clocks))); }},
      {{.key = "clock_mhz"},
       [](const Row& t) { return t.measured.clocks.clock_mhz ? Value(*t.measured.clocks.clock_mhz) : Value(); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds}, [](const Row& t) { return Value(t.time_s()); }},
      {{.key = "p10_s", .heading = "10 % are below", .unit = Unit::seconds},
       [](const Row& t) { return Value(t.measured.p10_s); }},
      {{.key = "p90_s", .heading = "90 % are below", .unit = Unit::seconds},
       [](const Row& t) { return Value(t.measured.p90_s); }},
      {{.key = "samples", .heading = "samples"}, [](const Row& t) { return Value(std::ssize(t.measured.samples_s)); }},
      {{.key = "steps_time_s", .heading = "sum of the steps", .unit = Unit::seconds},
       [](const Row& t) { return Value(t.steps_s); }},
      {{.key = "tokens"}, [](const Row& t) { return Value(t.tokens); }},
      {{.key = "tokens_per_s", .heading = "tokens/s", .unit = Unit::count},
       [](const Row& t) { return Value(static_cast<double>(t.tokens) / t.time_s()); }},
      {{.key = "flop", .heading = "FLOP", .unit = Unit::flop}, [](const Row& t) { return Value(t.flop); }},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s}, [=](const Row& t) { return Value(rate(t)); }},
      {{.key = "tflops"}, [=](const Row& t) { return Value(rate(t) / 1e12); }},
      {{.key = "weights_bytes", .heading = "weights", .unit = Unit::memory},
       [](const Row& t) { return Value(static_cast<double>(t.weight_bytes)); }},
      {{.key = "activations_bytes", .heading = "activations", .unit = Unit::memory},
       [](const Row& t) { return Value(static_cast<double>(t.activation_bytes)); }},
  };
}

/// The run as a record: its whole and its modules.
measure::Execution execution_of(const Options& options, const shape::Model& model, const shape::Workload& workload,
                                const Totals& totals, const std::vector<StepTime>& steps) {
  const measure::Policy policy = options.run.table().empty() ? measure::Policy::first : measure::Policy::tuned;
  measure::Execution execution =
      blank_execution(whole_of(model, workload, false), {totals.sampling.clocks, policy, options.run.replay()});
  execution.fused_steps = false;
  set_measured(execution, totals.measured);
  for (const StepTime& step : steps) execution.module_s[step.step.module] += step.time_s;
  execution.tool = version;
  execution.time = measure::utc_now();
  return execution;
}

/// Little-endian fp32, row by row.
void write_logits(const std::string& path, const std::vector<float>& logits) {
  write_file(path, {reinterpret_cast<const char*>(logits.data()), logits.size() * sizeof(float)});
}

ExitCode run_measure_model(const Options& options, const Console& console) {
  const shape::Model model = options.run.model(options.model);
  RunSession session(options.run);
  const shape::Workload workload = workload_on(session.gpu(), options.workload, model);
  run::require_executable(model, workload);  // before gigabytes of weights are made
  const run::Weights weights = session.weights(model, workload.dtype);
  run::Executor executor(session.backend(), model, workload, weights, {nullptr, session.tuned(), false});
  const std::int64_t tokens = shape::tokens(workload);
  executor.set_tokens(options.tokens.empty() ? random_tokens(options.run.seed(), tokens, model.vocab)
                                             : read_tokens(options.tokens));
  if (!options.logits.empty()) {
    executor.run();
    write_logits(options.logits, executor.logits());
  }

  Totals totals;
  totals.sampling = options.run.sampling();
  measure::Subject subject(session.backend(), executor.calls(), options.run.replay());
  totals.measured = measure::Sampler(session.backend(), session.monitor(), totals.sampling).measure(subject);
  const std::vector<StepTime> steps = merged(executor.step_times(3));
  for (const StepTime& step : steps) totals.steps_s += step.time_s;
  totals.tokens = tokens;
  totals.flop = flop_of(executor.program());
  totals.weight_bytes = weights.bytes();
  totals.activation_bytes = executor.bytes();

  if (!options.database.empty()) {
    measure::Execution execution = execution_of(options, model, workload, totals, steps);
    execution.device = session.device();
    measure::ExecutionStore(options.database).put(execution);
  }

  report::Document document;
  document.csv = "steps";
  document.sections = {
      model_section(model),
      workload_section(workload),
      device_section(session.device(), nullptr),
      {"steps", "The model, step by step", report::List{make_table(columns(totals.steps_s), steps)}},
      {"totals", "The whole model", report::Facts{make_table(total_columns(options.run.replay()), totals)}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_measure_model(CLI::App& measure, Command& chosen) {
  CLI::App& sub = *measure.add_subcommand("model", "a whole model, executed: its time and that of each of its steps");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  options->workload.add_to(sub);
  options->run.add_to(sub);
  options->run.add_clocks_to(sub);
  sub.add_option("--tokens", options->tokens, "the tokens, batch x sequence whole numbers; else random ones")
      ->type_name("FILE")
      ->group("Running");
  sub.add_option("--logits", options->logits, "write the logits there, little-endian fp32, row by row")
      ->type_name("FILE")
      ->group("Running");
  sub.add_option("--db", options->database, "store the run there: gemmetry records executions lists it")
      ->type_name("FILE")
      ->group("Running");
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_measure_model);
}

}  // namespace gemmetry::cli
