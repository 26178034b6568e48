#include "gemmetry/cli/study_execute.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/execution_file.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/whole_runner.h"
#include "gemmetry/study/outcome.h"
#include "gemmetry/study/study_file.h"

namespace gemmetry::cli {
namespace {

using measure::Execution;
using report::Column;
using report::Tone;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(For studies whose file says "whole": each point is executed in one piece, where it has a baseline in turns with that.
Every row is written before the next point is run: after Ctrl-C, or when the time is over, the same command goes on.

Examples:
  gemmetry study execute figure_1 figure_13 --csv data/executions/h200.csv
  gemmetry study execute figure_12 --csv h.csv --points 4 --time-cap 100ms
  gemmetry study execute my/study.json --device cpu --csv mine.csv --time-budget 4m)";

struct Options {
  std::vector<std::string> studies;
  std::string csv;
  DeviceOptions device;
  double time_cap_s = 0.3;
  std::int64_t trials = 100;
  std::optional<double> time_budget_s;
  std::optional<std::int64_t> points;
  bool retry = false;
  OutputOptions output;
};

/// What is executed of a point.
struct Task {
  const study::Study* study = nullptr;
  std::shared_ptr<const measure::Whole> whole;
  measure::Setting setting;

  std::string question() const { return measure::question(measure::blank_execution(*whole, setting)); }
};

struct Row {
  std::string study;
  Execution execution;
};

/// What became of the points.
struct Summary {
  std::int64_t asked = 0;  ///< without those that are the same
  std::int64_t present = 0;
  std::int64_t executed = 0;
  std::int64_t skipped = 0;
  std::int64_t left = 0;
  std::string file;
  double seconds = 0;
};

std::vector<study::Study> studies_of(const Options& options) {
  require_different("study", options.studies);
  std::vector<study::Study> studies;
  for (const std::string& name : options.studies) {
    studies.push_back(study::load_study(name));
    if (!study::runs_whole(studies.back()))
      throw Error(
          fmt::format("study {} is of operators, which `gemmetry study run` measures one by one: take one "
                      "whose model says \"whole\": true",
                      studies.back().name));
  }
  return studies;
}

/// Those of one model stand together, so that its weights are made once.
std::vector<Task> tasks_of(const std::vector<study::Study>& studies, const Options& options) {
  std::vector<Task> tasks;
  std::set<std::string> questions;
  for (const study::Study& study : studies) {
    std::vector<study::Point> points = study::points_of(study, options.device.default_dtype());
    if (options.points) points = study::thinned(std::move(points), static_cast<std::size_t>(*options.points));
    const std::size_t first = tasks.size();
    for (const study::Point& point : points) {
      Task task{&study, point.whole, study::measured(study::setting_of(study.series[point.series], {}))};
      if (questions.insert(task.question()).second) tasks.push_back(std::move(task));
    }
    for (std::size_t next = first; next < tasks.size(); ++next)
      std::stable_partition(tasks.begin() + static_cast<std::ptrdiff_t>(next) + 1, tasks.end(), [&](const Task& task) {
        return task.whole->model == tasks[next].whole->model &&
               task.whole->workload.dtype == tasks[next].whole->workload.dtype;
      });
  }
  return tasks;
}

/// Questions that the file answers.
std::set<std::string> known(const Options& options) {
  std::set<std::string> questions;
  std::error_code ignored;
  if (!std::filesystem::exists(options.csv, ignored)) return questions;
  for (const Execution& row : read_executions(options.csv))
    if (row.status == measure::RecordStatus::ok || !options.retry) questions.insert(measure::question(row));
  return questions;
}

/// A slow-down is known from all trials that fit the time; another time to 1 %.
measure::Sampling sampling_of(const Task& task, const Options& options) {
  measure::Sampling sampling;
  sampling.time_cap_s = options.time_cap_s;
  if (task.whole->baseline) sampling.precision = 0;
  sampling.max_samples = static_cast<std::int32_t>(options.trials);
  return sampling;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void execute(const std::vector<Task>& tasks, run::WholeRunner& runner, ExecutionWriter& writer, const Options& options,
             const Console& console, std::vector<Row>& rows, Summary& summary) {
  const auto begin = std::chrono::steady_clock::now();
  const Interrupt interrupt;
  for (const Task& task : tasks) {
    const std::int64_t done = summary.executed + summary.skipped;
    summary.seconds = seconds_since(begin);
    if (interrupt.requested() || (options.time_budget_s && summary.seconds >= *options.time_budget_s)) break;
    console.progress(fmt::format("{} of {}: {}", done + 1, tasks.size(), task.study->name));
    runner.options().sampling = sampling_of(task, options);
    Row row{task.study->name, runner.execute(*task.whole, task.setting)};
    writer.add(row.execution);
    ++(row.execution.status == measure::RecordStatus::ok ? summary.executed : summary.skipped);
    rows.push_back(std::move(row));
  }
  console.progress("");
  summary.seconds = seconds_since(begin);
  summary.left = std::ssize(tasks) - summary.executed - summary.skipped;
}

std::vector<Column<Row>> row_columns() {
  const auto ok = [](const Row& r) { return r.execution.status == measure::RecordStatus::ok; };
  return {
      {{.key = "study", .heading = "study", .once = true}, [](const Row& r) { return Value(r.study); }},
      {{.key = "run", .heading = "run"}, [](const Row& r) { return Value(std::string(name(r.execution.kind))); }},
      {{.key = "name", .heading = "model"}, [](const Row& r) { return Value(r.execution.name); }},
      {{.key = "model"}, [](const Row& r) { return Value(r.execution.model); }},
      {{.key = "workload", .heading = "workload"}, [](const Row& r) { return Value(r.execution.workload); }},
      {{.key = "launch", .heading = "launch"},
       [](const Row& r) { return Value(std::string(name(r.execution.setting.replay))); }},
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds, .interval = true},
       [=](const Row& r) {
         const Execution& e = r.execution;
         return ok(r) ? Value(report::Interval{e.measurement.median_s, e.low_s, e.high_s}) : Value(report::Unknown{});
       }},
      {{.key = "slowdown", .heading = "slow-down", .unit = Unit::fraction, .interval = true},
       [](const Row& r) {
         const auto& s = r.execution.slowdown;
         return s ? Value(report::Interval{s->value - 1, s->low - 1, s->high - 1}) : Value();
       }},
      {{.key = "samples"}, [](const Row& r) { return Value(r.execution.samples); }},
      {{.key = "reason", .heading = "skipped because", .wrap = true},
       [](const Row& r) { return r.execution.reason.empty() ? Value() : Value(r.execution.reason); }},
  };
}

std::vector<Column<Summary>> summary_columns() {
  return {
      {{.key = "asked", .heading = "executions asked for"}, [](const Summary& s) { return Value(s.asked); }},
      {{.key = "present", .heading = "already there"}, [](const Summary& s) { return Value(s.present); }},
      {{.key = "executed", .heading = "executed"}, [](const Summary& s) { return Value(s.executed); }},
      {{.key = "skipped", .heading = "skipped"},
       [](const Summary& s) { return Value(s.skipped); },
       [](const Summary& s) { return s.skipped > 0 ? Tone::warn : Tone::plain; }},
      {{.key = "left", .heading = "left"},
       [](const Summary& s) { return Value(s.left); },
       [](const Summary& s) { return s.left > 0 ? Tone::warn : Tone::plain; }},
      {{.key = "file", .heading = "file"}, [](const Summary& s) { return Value(s.file); }},
      {{.key = "time_s", .heading = "took", .unit = Unit::seconds}, [](const Summary& s) { return Value(s.seconds); }},
  };
}

ExitCode run_execute(const Options& options, const Console& console) {
  const std::vector<study::Study> studies = studies_of(options);
  std::vector<Task> tasks = tasks_of(studies, options);
  Summary summary{.asked = std::ssize(tasks), .file = options.csv};
  const std::set<std::string> questions = known(options);
  std::erase_if(tasks, [&](const Task& task) { return questions.contains(task.question()); });
  summary.present = summary.asked - std::ssize(tasks);
  const std::unique_ptr<measure::Backend> backend = options.device.open();
  measure::DeviceInfo device;
  measure::require(backend->describe(device));
  measure::ClockMonitor monitor(device.uuid);
  ExecutionWriter writer(options.csv, device);
  run::WholeOptions how;
  how.tool = version;
  run::WholeRunner runner(*backend, monitor, how);
  std::vector<Row> rows;
  execute(tasks, runner, writer, options, console, rows, summary);

  report::Document document;
  document.csv = "executions";
  document.sections = {device_section(device, nullptr),
                       {"executions", "Executions", report::List{make_table(row_columns(), rows)}, !rows.empty()},
                       {"summary", "Summary", report::Facts{make_table(summary_columns(), summary)}}};
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_study_execute(CLI::App& study, Command& chosen) {
  constexpr auto group = "Running";
  CLI::App& sub = *study.add_subcommand("execute", "run the points of studies of whole models, into a file");
  auto options = std::make_shared<Options>();
  sub.add_option("NAMES", options->studies, "studies (gemmetry study list), or paths of their files")->required();
  sub.add_option("--csv", options->csv, "the file of executions: what it has is not run again")
      ->type_name("FILE")
      ->required();
  options->device.add_to(sub)->group(group);
  add_text(sub, "--time-cap", "TIME", "stop measuring a point, or its baseline, after this long",
           [options](const std::string& what, const std::string& text) { options->time_cap_s = seconds(what, text); })
      ->default_str("300ms")
      ->group(group);
  add_size(sub, "--trials", options->trials, "samples of a point at most", 5)->group(group);
  add_text(
      sub, "--time-budget", "TIME", "begin no point after this long, as in 90s or 4m",
      [options](const std::string& what, const std::string& text) { options->time_budget_s = seconds(what, text); })
      ->group(group);
  add_size(sub, "--points", options->points, "at most so many points of each series, evenly", 2)->group(group);
  sub.add_flag("--retry", options->retry, "run again what was skipped before")->group(group);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_execute);
}

}  // namespace gemmetry::cli
