#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/cli/operator_source.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/sweep_report.h"
#include "gemmetry/cli/tuning.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/measure/axis.h"
#include "gemmetry/measure/statistics.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/measure/tuner.h"
#include "gemmetry/op/lower.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Each algorithm that the library proposes is verified, and measured in alternation with its first choice, in
bursts with a cold cache. What the table already has for this GPU and library version is kept; --again measures it anew.
Ctrl-C ends it after the operator that is being tuned; the same command goes on. Several processes may fill one table:
under mpirun, srun or a Slurm array each takes its share. gemmetry measure --algorithm tuned takes its algorithms from
the table.

Examples:
  gemmetry tune gemm --m 8192 --n 4096,11008 --k 4096 --layout nt,nn,tn
  gemmetry tune gemm @shapes.csv --table tuned.json
  gemmetry tune model llama-2-7b --phase training)";

struct Options {
  explicit Options(std::string kind) : source(std::move(kind)) {}

  OperatorSource source;
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::training};
  MeasuringOptions measuring;
  OutputOptions output;
  bool again = false;
  std::int64_t candidates = measure::usual_candidates;
};

using Row = TunedOperator;

double gain(const Row& row) { return row.tuned->first_s / row.tuned->best_s; }

std::vector<Column<Row>> columns() {
  const auto tuned = [](auto get) { return [get](const Row& r) { return r.tuned ? get(*r.tuned) : Value(); }; };
  using Tuned = measure::TunedAlgorithm;
  std::vector<Column<Row>> columns{
      {{.key = "kind"}, [](const Row& r) { return Value(std::string(kind(r.op))); }},
      {{.key = "", .heading = "operator"}, [](const Row& r) { return Value(dims(r.op)); }},
  };
  for (const Column<op::Operator>& field : field_columns())
    columns.push_back({field.info, [get = field.get](const Row& r) { return get(r.op); }});
  const std::vector<Column<Row>> results{
      {{.key = "first_time_s", .heading = "default", .unit = Unit::seconds},
       tuned([](const Tuned& t) { return Value(t.first_s); })},
      {{.key = "best_time_s", .heading = "best", .unit = Unit::seconds},
       tuned([](const Tuned& t) { return Value(t.best_s); })},
      {{.key = "gain", .heading = "gain", .unit = Unit::factor},
       [](const Row& r) { return r.tuned ? Value(gain(r)) : Value(); }},
      {{.key = "first", .heading = "default algorithm"},
       tuned([](const Tuned& t) { return Value(measure::text_of(t.first)); })},
      {{.key = "best", .heading = "best algorithm"},
       tuned([](const Tuned& t) { return Value(measure::text_of(t.best)); })},
      {{.key = "present"}, [](const Row& r) { return Value(r.present); }},
      {{.key = "reason", .heading = "not tuned because", .wrap = true},
       [](const Row& r) { return r.reason.empty() ? Value() : Value(r.reason); }},
  };
  columns.insert(columns.end(), results.begin(), results.end());
  return columns;
}

struct Sum {
  std::string table;
  std::vector<double> gains;
  std::size_t asked = 0;
  bool interrupted = false;
};

std::vector<Column<Sum>> sum_columns() {
  const auto any = [](auto get) { return [get](const Sum& s) { return s.gains.empty() ? Value() : Value(get(s)); }; };
  return {
      {{.key = "table", .heading = "table"}, [](const Sum& s) { return Value(s.table); }},
      {{.key = "asked", .heading = "asked for"},
       [](const Sum& s) { return Value(static_cast<std::int64_t>(s.asked)); }},
      {{.key = "tuned", .heading = "in the table"},
       [](const Sum& s) { return Value(static_cast<std::int64_t>(s.gains.size())); }},
      {{.key = "mean_gain", .heading = "best over default, geometric mean", .unit = Unit::factor},
       any([](const Sum& s) { return measure::geometric_mean(s.gains); })},
      {{.key = "largest_gain", .heading = "largest", .unit = Unit::factor},
       any([](const Sum& s) { return *std::max_element(s.gains.begin(), s.gains.end()); })},
      {{.key = "interrupted"}, [](const Sum& s) { return Value(s.interrupted); }},
      {{.key = "", .heading = "ended"},
       [](const Sum& s) { return s.interrupted ? Value("interrupted: the same command goes on") : Value(); }},
  };
}

ExitCode run_tune(const Options& options, std::vector<op::Operator> ops, MeasuringSession& session,
                  const Console& console) {
  if (session.rank().size > 1) ops = measure::share(std::move(ops), session.rank(), options.measuring.seed());
  const std::string path = options.measuring.table();
  const Interrupt interrupt;
  const std::vector<Row> rows = tune(ops, session, path, options.candidates, options.again, interrupt, console);
  Sum sum{path, {}, ops.size(), rows.size() < ops.size()};
  for (const Row& row : rows)
    if (row.tuned) sum.gains.push_back(gain(row));
  report::Document document;
  document.csv = "operators";
  document.sections = {device_section(session.device(), nullptr),
                       {"operators", "", report::List{make_table(columns(), rows)}},
                       {"tuning", "Tuning", report::Facts{make_table(sum_columns(), sum)}}};
  options.output.write(document, console);
  return exit_ok;
}

ExitCode run_tune_kind(const Options& options, const Console& console) {
  const std::vector<op::Operator> ops = options.source.operators(options.measuring.device().default_dtype());
  MeasuringSession session(options.measuring);
  return run_tune(options, ops, session, console);
}

/// The products a model runs under a workload, each once.
std::vector<op::Operator> products_of(const shape::Model& model, const shape::Workload& workload) {
  op::Program program;
  op::lower(model, workload, program);
  std::vector<op::Operator> products;
  for (const op::Step& step : program.steps())
    if (std::holds_alternative<op::Gemm>(step.op) || std::holds_alternative<op::GroupedGemm>(step.op))
      products.push_back(step.op);
  return measure::distinct(products);
}

ExitCode run_tune_model(const Options& options, const Console& console) {
  const shape::Model model = options.model.model();
  MeasuringSession session(options.measuring);
  const shape::Workload workload = workload_on(session, options.workload, model);
  return run_tune(options, products_of(model, workload), session, console);
}

void add_common(CLI::App& sub, Options& options) {
  options.measuring.add_table_to(sub);
  add_size(sub, "--candidates", options.candidates, "try so many of the library's proposals beside its first choice")
      ->group("Measuring");
  sub.add_flag("--again", options.again, "tune anew what the table has")->group("Measuring");
  options.output.add_to(sub);
}

void add_kind(CLI::App& tune, Command& chosen, const char* kind, const char* description, const char* lines) {
  CLI::App& sub = *tune.add_subcommand(kind, description);
  auto options = std::make_shared<Options>(kind);
  options->source.add_to(sub);
  add_common(sub, *options);
  sub.footer(command_examples(fmt::format("tune {}", kind), lines));
  set_command(sub, chosen, options, run_tune_kind);
}

void add_model(CLI::App& tune, Command& chosen) {
  CLI::App& sub = *tune.add_subcommand("model", "every product that a model runs");
  auto options = std::make_shared<Options>("gemm");
  options->model.add_to(sub);
  options->workload.add_to(sub);
  add_common(sub, *options);
  sub.footer(command_examples("tune model", "llama-2-7b --phase training\nmy/config.json --phase decode --batch 16"));
  set_command(sub, chosen, options, run_tune_model);
}

}  // namespace

void add_tune(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("tune", "choose the fastest algorithm for each product by measuring");
  add_kind(sub, chosen, "gemm", "products, one or a batch of equal ones",
           "--m 8192 --n 4096,11008 --k 4096 --layout nt,nn,tn\n@shapes.csv --table tuned.json");
  add_kind(sub, chosen, "grouped_gemm", "products of rows with the experts they are sent to",
           "--experts 8 --m 2^10..2^16 --n 14336 --k 4096");
  add_kind(sub, chosen, "attention", "fused attention", "--batch 4 --queries 2^9..2^13 --heads 32 --head-dim 128");
  add_model(sub, chosen);
  sub.require_subcommand(0, 1);
  sub.footer(examples);
}

}  // namespace gemmetry::cli
