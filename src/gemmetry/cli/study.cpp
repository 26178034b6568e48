#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/study_answer.h"
#include "gemmetry/cli/study_chart.h"
#include "gemmetry/cli/study_execute.h"
#include "gemmetry/cli/study_sweep.h"
#include "gemmetry/report/vega_lite.h"
#include "gemmetry/study/study_file.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Tone;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(A study is a figure of the paper, or one like it: what is swept, a chart, and claims that a machine can check.
docs/studies.md says how to write one; NAME may be the path of such a file.

Examples:
  gemmetry study list
  gemmetry study show vocabulary --device predict:h200
  gemmetry study show vocabulary --device predict:a100,predict:h100,predict:h200
  gemmetry study run vocabulary --device cuda --time-budget 5m
  gemmetry study run --all --device recorded:h200
  gemmetry study execute figure_13 --csv data/executions/h200.csv)";

/// Which series' setting is meant where a study does not say, and how many points.
struct Sweeping {
  study::SeriesSetting asked;
  std::optional<std::int64_t> points;

  std::vector<study::Point> of(const study::Study& study, op::Dtype dtype) const {
    std::vector<study::Point> all = study::points_of(study, dtype);
    return points ? study::thinned(std::move(all), static_cast<std::size_t>(*points)) : all;
  }
};

void add_points(CLI::App& app, std::optional<std::int64_t>& points) {
  add_size(app, "--points", points, "at most so many points of each series, evenly", 2);
}

// ------------------------------------------------------------------------------------------------------------- list

struct ListOptions {
  OutputOptions output;
};

ExitCode run_list(const ListOptions& options, const Console& console) {
  std::vector<study::Study> studies;
  for (const std::string& name : study::study_names()) studies.push_back(study::load_study(name));
  const std::vector<Column<study::Study>> columns{
      {{.key = "name", .heading = "study"}, [](const study::Study& s) { return Value(s.name); }},
      {{.key = "figures", .heading = "figures"}, [](const study::Study& s) { return Value(s.figures); }},
      {{.key = "title", .heading = "title"}, [](const study::Study& s) { return Value(s.title); }},
      {{.key = "source"}, [](const study::Study& s) { return Value(s.source); }},
      {{.key = "points", .heading = "points"},
       [](const study::Study& s) { return Value(static_cast<std::int64_t>(study::points_of(s).size())); }},
      {{.key = "series", .heading = "series"},
       [](const study::Study& s) { return Value(static_cast<std::int64_t>(s.series.size())); }},
      {{.key = "claims", .heading = "claims"},
       [](const study::Study& s) { return Value(static_cast<std::int64_t>(s.claims.size())); }},
  };
  report::Document document;
  document.sections = {{"studies", "", report::List{make_table(columns, studies)}}};
  options.output.write(document, console);
  return exit_ok;
}

// ------------------------------------------------------------------------------------------------------------- show

struct ShowOptions {
  std::string study;
  std::vector<backends::DeviceName> devices{backends::DeviceName::from("predict:h200")};
  DatabaseOption database;
  Sweeping sweeping;
  std::optional<std::string> chart;  ///< file for its Vega-Lite specification
  std::vector<std::string> series;   ///< that it shows; empty: all
  OutputOptions output;
};

/// What the chart shows: the answers' points of the series that were named.
std::vector<StudyAnswer> charted(const study::Study& study, std::vector<StudyAnswer> answers,
                                 const std::vector<std::string>& series) {
  if (series.empty()) return answers;
  std::vector<std::string> labels;
  for (const study::Series& one : study.series) labels.push_back(one.label);
  for (const std::string& name : series)
    if (std::find(labels.begin(), labels.end(), name) == labels.end()) refuse_word("--series", name, labels);
  for (StudyAnswer& answer : answers) {
    std::vector<study::Point> points;
    std::vector<study::Outcome> outcomes;
    for (std::size_t i = 0; i < answer.points.size(); ++i) {
      if (std::find(series.begin(), series.end(), labels[answer.points[i].series]) == series.end()) continue;
      points.push_back(answer.points[i]);
      outcomes.push_back(answer.outcomes[i]);
    }
    answer.points = std::move(points);
    answer.outcomes = std::move(outcomes);
  }
  return answers;
}

ExitCode run_show(const ShowOptions& options, const Console& console) {
  const study::Study study = study::load_study(options.study);
  std::vector<StudyAnswer> answers;
  std::vector<JudgedClaim> claims;
  for (const backends::DeviceName& name : options.devices) {
    const std::unique_ptr<StudyDevice> device = open_study_device(name, options.database.path());
    answers.push_back(answer(study, options.sweeping.of(study, device->dtype()), *device, options.sweeping.asked));
    const std::string command =
        show_command(options.study, device->name(), options.sweeping.points, options.sweeping.asked);
    for (const study::Verdict& verdict : answers.back().verdicts)
      claims.push_back({&study, device->name(), verdict, command});
  }
  const std::vector<StudyAnswer> shown = charted(study, answers, options.series);
  if (options.chart) write_file(*options.chart, report::to_vega_lite(chart_of(study, shown)).dump(1) + "\n");
  report::Document document;
  document.csv = "points";
  document.sections = {study_section(study), answers_section(answers)};
  document.sections.push_back({"", "Chart", report::Picture{plot_of(study, shown, console.style())}});
  for (report::Section& section : points_sections(study, answers)) document.sections.push_back(std::move(section));
  document.sections.push_back(claims_section(claims));
  if (!study.notes.empty()) document.sections.push_back({"", "Notes", report::Notes{study.notes}});
  options.output.write(document, console);
  return exit_ok;
}

void add_show(CLI::App& study, Command& chosen) {
  CLI::App& sub = *study.add_subcommand("show", "a study's points, chart and verdicts on one device or several");
  auto options = std::make_shared<ShowOptions>();
  sub.add_option("NAME", options->study, "a study (gemmetry study list), or the path of its file")->required();
  const auto read = [options](const std::string&, const std::string& text) { options->devices = device_names(text); };
  add_text(sub, "--device", "NAMES",
           "predict:GPU, recorded:GPU, or cuda and cpu for what the database holds; several with commas", read)
      ->default_str("predict:h200");
  options->database.add_to(sub);
  add_setting(sub, options->sweeping.asked);
  add_points(sub, options->sweeping.points);
  options->output.add_to(sub);
  sub.add_option("--chart", options->chart,
                 "a file for the chart's Vega-Lite specification, from which tools/study_pictures.py draws it")
      ->option_text("FILE")
      ->group("Output");
  add_text(sub, "--series", "LABEL,...", "the chart's series; usually all",
           [options](const std::string&, const std::string& text) { options->series = comma_list(text); })
      ->group("Output");
  sub.footer(
      command_examples("study show", "mlp_h_to_4h\nvocabulary --device recorded:h200,predict:h200 --format csv"));
  set_command(sub, chosen, options, run_show);
}

// -------------------------------------------------------------------------------------------------------------- run

struct RunOptions {
  std::vector<std::string> studies;
  bool all = false;
  MeasuringOptions measuring{gpu::Clocks::burst, true};
  std::optional<std::int64_t> points;
  OutputOptions output;
};

/// A study with what its device says.
struct Run {
  std::string named;  ///< as it was asked for
  study::Study study;
  std::vector<study::Point> points;
  std::size_t left_out = 0;  ///< points, where the time is short
  StudyAnswer answer;
};

const std::vector<Column<Run>>& run_columns() {
  static const std::vector<Column<Run>> columns{
      {{.key = "name", .heading = "study"}, [](const Run& r) { return Value(r.study.name); }},
      {{.key = "figures", .heading = "figures"}, [](const Run& r) { return Value(r.study.figures); }},
      {{.key = "title"}, [](const Run& r) { return Value(r.study.title); }},
      {{.key = "device"}, [](const Run& r) { return Value(r.answer.device); }},
      {{.key = "points", .heading = "points"},
       [](const Run& r) { return Value(static_cast<std::int64_t>(r.answer.points.size())); }},
      {{.key = "left_out", .heading = "left out"},
       [](const Run& r) { return r.left_out > 0 ? Value(static_cast<std::int64_t>(r.left_out)) : Value(); }},
      {{.key = "missing", .heading = "missing"},
       [](const Run& r) { return Value(static_cast<std::int64_t>(r.answer.missing())); },
       [](const Run& r) { return r.answer.missing() > 0 ? Tone::warn : Tone::plain; }},
      {{.key = "", .heading = "claims"},
       [](const Run& r) { return r.answer.verdicts.empty() ? Value() : Value(standing_text(r.answer.verdicts)); }},
  };
  return columns;
}

std::vector<Run> runs_of(const RunOptions& options, op::Dtype dtype) {
  if (options.all && !options.studies.empty())
    throw Error(fmt::format("--all runs '{}' too: leave one of them out", options.studies.front()));
  if (!options.all && options.studies.empty())
    throw Error("study run: name studies (gemmetry study list), or say --all");
  require_different("study", options.studies);
  const std::vector<std::string> names = options.all ? study::study_names() : options.studies;
  std::vector<Run> runs;
  for (const std::string& name : names) {
    Run run{name, study::load_study(name), {}, 0, {}};
    run.points = Sweeping{{}, options.points}.of(run.study, dtype);
    runs.push_back(std::move(run));
  }
  return runs;
}

ExitCode run_run(const RunOptions& options, const Console& console) {
  const backends::DeviceName device = options.measuring.device().device();
  const study::SeriesSetting asked{options.measuring.setting().clocks, options.measuring.setting().policy};
  std::vector<Run> runs = runs_of(options, options.measuring.device().default_dtype());
  report::Document document;
  document.csv = "claims";
  std::string database = options.measuring.database().path();
  if (device.runs()) {
    std::vector<StudySweep> sweeps;
    for (Run& run : runs) sweeps.push_back({&run.study, &run.points, &run.left_out});
    MeasuredStudies measured = measure_studies(sweeps, options.measuring, asked, console);
    document.sections = std::move(measured.sections);
    database = measured.database;
  } else {
    options.measuring.require_only_looked_up();
  }
  const std::unique_ptr<StudyDevice> costs = open_study_device(device, database);
  std::vector<JudgedClaim> claims;
  for (Run& run : runs) {
    console.progress(fmt::format("{}", run.study.name));
    run.answer = answer(run.study, std::move(run.points), *costs, asked);
    const std::string command = show_command(run.named, costs->name(), options.points, asked);
    for (const study::Verdict& verdict : run.answer.verdicts)
      claims.push_back({&run.study, costs->name(), verdict, command});
  }
  console.progress("");
  std::vector<report::Section> answers{{"studies", "Studies", report::List{make_table(run_columns(), runs)}},
                                       claims_section(claims)};
  document.sections.insert(document.sections.begin(), answers.begin(), answers.end());
  options.output.write(document, console);
  return exit_ok;
}

void add_run(CLI::App& study, Command& chosen) {
  CLI::App& sub = *study.add_subcommand("run", "measure studies, or price them, with a verdict for each claim");
  auto options = std::make_shared<RunOptions>();
  sub.add_option("NAMES", options->studies, "studies (gemmetry study list), or paths of their files");
  sub.add_flag("--all", options->all, "all studies there are");
  options->measuring.add_to(sub);
  options->measuring.add_sweep_to(sub);
  add_points(sub, options->points);
  options->output.add_to(sub);
  sub.footer(
      "What the database has is not measured again; after Ctrl-C the same command goes on. --time-budget thins every\n"
      "sweep evenly to what fits, and says so.\n\n" +
      command_examples("study run", "--all --device predict:h200\nscore_by_head_dim --device cuda --time-budget 3m"));
  set_command(sub, chosen, options, run_run);
}

}  // namespace

void add_study(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("study", "the paper's figures as experiments: points, chart, verdict per claim");
  sub.require_subcommand(0, 1);
  CLI::App& list = *sub.add_subcommand("list", "the studies there are");
  auto options = std::make_shared<ListOptions>();
  options->output.add_to(list);
  set_command(list, chosen, options, run_list);
  add_show(sub, chosen);
  add_run(sub, chosen);
  add_study_execute(sub, chosen);
  sub.footer(examples);
}

}  // namespace gemmetry::cli
