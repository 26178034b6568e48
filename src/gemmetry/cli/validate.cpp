#include <fmt/format.h>

#include <map>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/calibrate/judgement.h"
#include "gemmetry/calibrate/tile_agreement.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/calibration_option.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/error_columns.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/record_files.h"
#include "gemmetry/cli/sample_columns.h"
#include "gemmetry/cli/sample_section.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::cli {
namespace {

using calibrate::Anomaly;
using calibrate::ErrorStatistics;
using calibrate::Judgement;
using calibrate::ShapeClass;
using calibrate::TileAgreement;
using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Only sites that no fit of the project uses are judged unless --fit or --all says otherwise: a fifth of all, by a
hash of their sizes. Errors are relative to what was measured; a bias above 0 means predicted too slow. Anomalies are
records beyond four robust deviations of their class whose neighbours in size are as predicted: choices of the library
that no model of shapes foresees. --format csv gives one row a record with every feature.

Examples:
  gemmetry validate --gpu h200 --records data/measured/h200
  gemmetry validate --gpu a100-80gb --records mine.csv --all --calibration mine.json
  gemmetry validate --gpu h200 --records data/measured/h200 --all --format csv --out samples.csv)";

constexpr std::size_t most_pairs = 1000;
constexpr std::size_t shown_anomalies = 20;

struct Options {
  std::string gpu = "h200";
  RecordFiles records;
  CalibrationOption calibration;
  bool fit = false;
  bool held_out = false;
  bool all = false;
  std::int64_t seed = 1;
  OutputOptions output;
};

struct ClassErrors {
  ShapeClass shape_class;
  ErrorStatistics errors;
};

/// Errors of classes, and with `parts` empty of each operator and clocks as a whole.
std::vector<ClassErrors> errors_by(const std::vector<Judgement>& judgements, bool whole) {
  std::map<ShapeClass, std::vector<calibrate::Prediction>> groups;
  for (const Judgement& one : judgements) {
    ShapeClass key = one.sample.shape_class;
    if (whole) key = {key.kind, "", key.clocks, "", ""};
    groups[key].push_back(one.prediction());
  }
  std::vector<ClassErrors> rows;
  for (const auto& [shape_class, predictions] : groups)
    rows.push_back({shape_class, calibrate::statistics_of(predictions)});
  return rows;
}

report::Section errors_section(const std::vector<Judgement>& judgements, bool whole) {
  std::vector<Column<ClassErrors>> columns =
      class_columns<ClassErrors>([](const ClassErrors& row) -> const ShapeClass& { return row.shape_class; });
  for (Column<ClassErrors>& column :
       error_columns<ClassErrors>([](const ClassErrors& row) -> const ErrorStatistics& { return row.errors; }))
    columns.push_back(std::move(column));
  return {whole ? "operators" : "classes", whole ? "Errors by operator" : "Errors by class",
          report::List{make_table(columns, errors_by(judgements, whole))}};
}

struct Ratios {
  std::size_t pairs = 0;
  double coverage = 0;
};

report::Section ratios_section(const std::vector<Judgement>& judgements, calibrate::Predictors& predictors,
                               std::uint64_t seed) {
  const std::vector<calibrate::Pair> pairs = calibrate::neighbour_pairs(judgements, most_pairs, seed);
  const Ratios ratios{pairs.size(), calibrate::ratio_coverage(judgements, pairs, predictors)};
  const std::vector<Column<Ratios>> columns{
      {{.key = "pairs", .heading = "pairs of neighbours"},
       [](const Ratios& r) { return Value(static_cast<std::int64_t>(r.pairs)); }},
      {{.key = "coverage", .heading = "ratio in its 90 % interval", .unit = Unit::fraction},
       [](const Ratios& r) { return r.pairs == 0 ? Value() : Value(r.coverage); }},
  };
  return {"ratios", "Ratios", report::Facts{make_table(columns, ratios)}};
}

report::Section tiles_section(const std::vector<TileAgreement>& tiles) {
  std::vector<Column<TileAgreement>> columns =
      class_columns<TileAgreement>([](const TileAgreement& row) -> const ShapeClass& { return row.shape_class; });
  const auto share = [](double TileAgreement::*member) {
    return [member](const TileAgreement& row) { return Value(row.*member); };
  };
  const std::vector<Column<TileAgreement>> shares{
      {{.key = "count", .heading = "products"},
       [](const TileAgreement& row) { return Value(static_cast<std::int64_t>(row.count)); }},
      {{.key = "tile", .heading = "tile predicted", .unit = Unit::fraction}, share(&TileAgreement::tile)},
      {{.key = "turned", .heading = "but turned", .unit = Unit::fraction}, share(&TileAgreement::turned)},
      {{.key = "split_k", .heading = "split of k", .unit = Unit::fraction}, share(&TileAgreement::split_k)},
      {{.key = "error_agreed", .heading = "MAPE where predicted", .unit = Unit::fraction},
       share(&TileAgreement::error_agreed)},
      {{.key = "error_differs", .heading = "where not", .unit = Unit::fraction}, share(&TileAgreement::error_differs)},
  };
  columns.insert(columns.end(), shares.begin(), shares.end());
  return {"tiles", "Predicted tiles against the library's", report::List{make_table(columns, tiles)}};
}

struct AnomalyRow {
  Anomaly anomaly;
  const Judgement* judgement;
};

report::Table anomaly_table(const std::vector<AnomalyRow>& rows) {
  std::vector<Column<AnomalyRow>> columns = class_columns<AnomalyRow>(
      [](const AnomalyRow& row) -> const ShapeClass& { return row.judgement->sample.shape_class; });
  const std::vector<Column<AnomalyRow>> others{
      {{.key = "operator", .heading = "sizes"},
       [](const AnomalyRow& r) { return Value(dims(r.judgement->sample.op)); }},
      {{.key = "time_s", .heading = "measured", .unit = Unit::seconds},
       [](const AnomalyRow& r) { return Value(r.judgement->sample.time_s); }},
      {{.key = "predicted_s", .heading = "predicted", .unit = Unit::seconds},
       [](const AnomalyRow& r) { return Value(r.judgement->cost.time_s); }},
      {{.key = "deviations", .heading = "deviations"}, [](const AnomalyRow& r) { return Value(r.anomaly.deviations); }},
      {{.key = "neighbours", .heading = "its neighbours", .unit = Unit::fraction},
       [](const AnomalyRow& r) { return Value(r.anomaly.neighbours); }},
  };
  columns.insert(columns.end(), others.begin(), others.end());
  return make_table(columns, rows);
}

/// The largest on screen, all of them elsewhere.
void add_anomalies(std::vector<report::Section>& sections, const std::vector<Judgement>& judgements, Format format) {
  std::vector<AnomalyRow> rows;
  for (const Anomaly& anomaly : calibrate::anomalies(judgements)) rows.push_back({anomaly, &judgements[anomaly.index]});
  const std::size_t all = rows.size();
  const bool cut = (format == Format::table || format == Format::markdown) && all > shown_anomalies;
  if (cut) rows.resize(shown_anomalies);
  const std::string title = cut ? fmt::format("Anomalies, the largest {} of {}", rows.size(), all) : "Anomalies";
  sections.push_back({"anomalies", title, report::List{anomaly_table(rows)}});
}

std::vector<calibrate::Sample> judged(const Options& options, std::vector<calibrate::Sample> samples) {
  if (options.all) return samples;
  std::erase_if(samples, [&](const calibrate::Sample& sample) { return sample.held_out == options.fit; });
  return samples;
}

ExitCode run_validate(const Options& options, const Console& console) {
  const gpu::Gpu gpu = gpu::load_gpu(options.gpu);
  const gpu::Node node = gpu::usual_node(gpu);
  const gpu::Calibration calibration = options.calibration.calibration(gpu);
  calibrate::Samples samples = calibrate::samples_of(options.records.read(), gpu.name);
  const std::vector<calibrate::Sample> chosen = judged(options, std::move(samples.all));
  if (chosen.empty())
    throw Error(fmt::format("--records: no record of {} can be judged: {}", gpu.name, why_none(samples.count)));
  calibrate::Predictors predictors(gpu, node, calibration);
  const std::vector<Judgement> judgements = calibrate::judge(chosen, predictors);

  report::Document document;
  if (options.output.format() == Format::csv) {
    document.sections = {{"samples", "", report::List{make_table(sample_columns(predictors), judgements)}}};
  } else {
    document.sections = {gpu_section(predictors.of(chosen.front())), sample_section(samples.count),
                         errors_section(judgements, true), errors_section(judgements, false),
                         ratios_section(judgements, predictors, static_cast<std::uint64_t>(options.seed))};
    if (const auto tiles = calibrate::tile_agreement(judgements, predictors); !tiles.empty())
      document.sections.push_back(tiles_section(tiles));
    add_anomalies(document.sections, judgements, options.output.format());
  }
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_validate(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("validate", "how far predictions are off, on records");
  auto options = std::make_shared<Options>();
  sub.add_option("--gpu", options->gpu, "that the records are of: a name (gemmetry gpus) or the path of a JSON file")
      ->type_name("GPU")
      ->default_str(options->gpu);
  options->records.add_to(sub)->required();
  options->calibration.add_to(sub);
  CLI::Option* held_out =
      sub.add_flag("--held-out", options->held_out, "judge only sites that are never fitted; so usually");
  CLI::Option* fit = sub.add_flag("--fit", options->fit, "judge only sites that may be fitted")->excludes(held_out);
  sub.add_flag("--all", options->all, "judge all")->excludes(held_out)->excludes(fit);
  add_size(sub, "--seed", options->seed, "of the random pairs of neighbours")->default_str("1");
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_validate);
}

}  // namespace gemmetry::cli
