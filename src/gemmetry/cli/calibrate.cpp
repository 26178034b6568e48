#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "gemmetry/base/error.h"
#include "gemmetry/base/version.h"
#include "gemmetry/calibrate/calibration_file.h"
#include "gemmetry/calibrate/cross_validation.h"
#include "gemmetry/calibrate/judgement.h"
#include "gemmetry/calibrate/log_error_fit.h"
#include "gemmetry/calibrate/quick_plan.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/calibration_option.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_options.h"
#include "gemmetry/cli/error_columns.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/quick_records.h"
#include "gemmetry/cli/record_files.h"
#include "gemmetry/cli/sample_section.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using calibrate::ErrorStatistics;
using calibrate::Group;
using calibrate::GroupFit;
using calibrate::ShapeClass;
using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Coefficients are fitted to records of sites that are not held out, from the present calibration and from random
places about it, and the errors that intervals come from to what is left. Groups that there are too few records for,
and collectives, stay as they are. The file is used with --calibration; data/calibration holds those that are shipped.
With --quick, at most 200 products are measured on this machine's device, and the present calibration, with what was
learned on top, is moved no further than they ask for; without it, tools/train_residual.py learns anew.

Examples:
  gemmetry calibrate --gpu h200 --records data/measured/h200 --out data/calibration/h200.json
  gemmetry calibrate --quick --out mine.json
  gemmetry explain llama-2-7b --calibration mine.json)";

/// How sure the present coefficients are when little is measured: a third up or down is nothing to wonder at.
constexpr double quick_prior = 0.3;

struct Options {
  std::string gpu;
  RecordFiles records;
  CalibrationOption start;
  std::vector<std::string> only;
  std::int64_t seed = 1;
  std::int64_t starts = 8;
  bool quick = false;
  std::int64_t products = calibrate::most_quick_products;
  DeviceOptions device;
  std::string file;
  Format format = Format::table;
};

std::vector<Group> groups_of(const Options& options) {
  if (options.quick) return {Group::gemm, Group::misaligned_gemm};
  if (options.only.empty()) return calibrate::all_groups();
  std::vector<Group> groups;
  for (const std::string& name : options.only) groups.push_back(calibrate::group_from_name(name));
  return groups;
}

/// A group as it is reported: fitted, or why it was not.
struct GroupRow {
  Group group;
  std::optional<GroupFit> fit;
  std::size_t samples = 0;
  std::string kept;
};

report::Section groups_section(const std::vector<GroupRow>& rows) {
  const auto fitted = [](double GroupFit::*member) {
    return [member](const GroupRow& row) { return row.fit ? Value((*row.fit).*member) : Value(); };
  };
  const std::vector<Column<GroupRow>> columns{
      {{.key = "group", .heading = "coefficients"},
       [](const GroupRow& r) { return Value(std::string(name(r.group))); }},
      {{.key = "records", .heading = "records"},
       [](const GroupRow& r) { return Value(static_cast<std::int64_t>(r.samples)); }},
      {{.key = "before", .heading = "error before", .unit = Unit::fraction}, fitted(&GroupFit::before)},
      {{.key = "after", .heading = "after", .unit = Unit::fraction}, fitted(&GroupFit::after)},
      {{.key = "kept", .heading = "kept because"},
       [](const GroupRow& r) { return r.kept.empty() ? Value() : Value(r.kept); }},
  };
  return {"groups", "Coefficients", report::List{make_table(columns, rows)}};
}

struct ClassErrors {
  ShapeClass shape_class;
  ErrorStatistics before;
  ErrorStatistics after;
};

using ErrorsByClass = std::map<ShapeClass, ErrorStatistics>;

ErrorsByClass errors_of(const std::vector<calibrate::Sample>& samples, const gpu::Gpu& gpu, const gpu::Node& node,
                        const gpu::Calibration& calibration) {
  calibrate::Predictors predictors(gpu, node, calibration);
  std::map<ShapeClass, std::vector<calibrate::Prediction>> classes;
  for (const calibrate::Judgement& one : calibrate::judge(samples, predictors))
    classes[one.sample.shape_class].push_back(one.prediction());
  ErrorsByClass errors;
  for (const auto& [shape_class, predictions] : classes) errors[shape_class] = calibrate::statistics_of(predictions);
  return errors;
}

report::Section errors_section(const ErrorsByClass& before, const ErrorsByClass& after, const std::string& title) {
  std::vector<ClassErrors> rows;
  for (const auto& [shape_class, errors] : after) rows.push_back({shape_class, before.at(shape_class), errors});
  std::vector<Column<ClassErrors>> columns =
      class_columns<ClassErrors>([](const ClassErrors& row) -> const ShapeClass& { return row.shape_class; });
  columns.push_back({{.key = "mape_before", .heading = "MAPE before", .unit = Unit::fraction},
                     [](const ClassErrors& row) { return Value(row.before.mape); }});
  for (Column<ClassErrors>& column :
       error_columns<ClassErrors>([](const ClassErrors& row) -> const ErrorStatistics& { return row.after; }))
    columns.push_back(std::move(column));
  return {"classes", title, report::List{make_table(columns, rows)}};
}

std::vector<calibrate::Sample> part(const std::vector<calibrate::Sample>& samples, bool held_out) {
  std::vector<calibrate::Sample> result;
  std::copy_if(samples.begin(), samples.end(), std::back_inserter(result),
               [&](const calibrate::Sample& sample) { return sample.held_out == held_out; });
  return result;
}

report::Section file_section(const std::string& file) {
  const std::vector<Column<std::string>> columns{
      {{.key = "file", .heading = "calibration"}, [](const std::string& path) { return Value(path); }}};
  return {"calibration", "", report::Facts{make_table(columns, file)}};
}

std::vector<GroupFit> fits_of(const std::vector<GroupRow>& rows) {
  std::vector<GroupFit> fits;
  for (const GroupRow& row : rows)
    if (row.fit) fits.push_back(*row.fit);
  return fits;
}

/// Fits each group that there is enough for.
std::vector<GroupRow> fit_groups(const std::vector<Group>& groups, calibrate::Fitter& fitter) {
  std::vector<GroupRow> rows;
  for (const Group group : groups) {
    GroupRow row{group, std::nullopt, fitter.count(group), ""};
    if (!fitter.can_fit(group))
      row.kept = "too few records";
    else
      row.fit = fitter.fit(group);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string where_from(const Options& options, const calibrate::Provenance& from, const GroupFit& fit) {
  const std::string what = options.quick ? "measured quickly" : fmt::format("{}", fmt::join(from.files, ", "));
  const std::string device = from.devices.empty() ? "" : " of " + *from.devices.begin();
  return fmt::format("fitted by gemmetry calibrate to {} records ({}){}", fit.samples, what, device);
}

/// States where the coefficients are from, and the errors that are left.
void state_sources(gpu::Calibration& calibration, const Options& options, const std::vector<GroupRow>& rows,
                   const calibrate::Provenance& from) {
  for (const GroupRow& row : rows)
    if (row.fit) calibration.sources[std::string(name(row.group))] = where_from(options, from, *row.fit);
  if (const auto misaligned = calibration.sources.find("misaligned_gemm"); !calibration.alignment.empty())
    calibration.sources["alignment"] = misaligned->second;
}

/// What trees learned from these very records says nothing of its errors: unless all was measured just now, they are
/// those of the structured models, and the trees' stay.
gpu::Calibration as_judged(const Options& options, gpu::Calibration calibration) {
  if (!options.quick) calibration.residuals.clear();
  return calibration;
}

void state_errors(gpu::Calibration& calibration, const Options& options,
                  const std::vector<calibrate::Judgement>& judgements) {
  const auto seed = static_cast<std::uint64_t>(options.seed);
  std::string said;
  for (const auto& [error_class, error] : calibrate::log_errors_of(judgements, seed)) {
    calibration.errors[error_class] = error;
    for (auto& [name, residual] : calibration.residuals)
      if (options.quick && residual.errors.contains(error_class)) residual.errors[error_class] = error;
    said += (said.empty() ? "" : ", ") + error_class;
  }
  if (said.empty()) return;
  const char* how =
      judgements.size() < calibrate::enough_samples ? "predicted by fits without their sites" : "as fitted";
  calibration.sources["errors"] =
      fmt::format("{}: residuals of {} records, {}; the others as before", said, judgements.size(), how);
}

void require_sensible(const Options& options) {
  if (options.quick && !options.records.files().empty())
    throw Error("--quick measures its own records: leave out --records");
  if (!options.quick && options.records.files().empty())
    throw Error("--records is missing: name CSV files of records, or use --quick to measure some now");
  if (!options.quick && options.gpu.empty()) throw Error("--gpu is missing: name the GPU that the records are of");
  if (options.products > static_cast<std::int64_t>(calibrate::most_quick_products))
    throw Error(
        fmt::format("--products = {}: at most {} are measured", options.products, calibrate::most_quick_products));
}

/// What is fitted to, and for which GPU.
struct Data {
  gpu::Gpu gpu;
  calibrate::Samples samples;
  calibrate::Provenance from;
};

Data read_data(const Options& options, const Console& console) {
  std::string gpu = options.gpu;
  std::vector<measure::Record> records;
  if (options.quick) {
    QuickRecords quick = measure_quickly(options.device, options.gpu, options.products, console);
    gpu = quick.gpu;
    records = std::move(quick.records);
  } else {
    records = options.records.read();
  }
  Data data{.gpu = gpu::load_gpu(gpu)};
  data.samples = calibrate::samples_of(records, data.gpu.name);
  if (options.quick) {  // nothing is kept apart of a few products
    for (calibrate::Sample& sample : data.samples.all) sample.held_out = false;
    data.samples.count.held_out = 0;
  }
  if (data.samples.all.empty())
    throw Error(fmt::format("no record of {} can be fitted to: {}", data.gpu.name, why_none(data.samples.count)));
  for (const std::string& file : options.records.files())
    data.from.files.push_back(std::filesystem::path(file).filename().string());
  data.from.records = data.samples.count;
  data.from.seed = static_cast<std::uint64_t>(options.seed);
  data.from.tool = version;
  add(data.from, records, data.gpu.name);
  return data;
}

calibrate::FitOptions fit_options(const Options& options, const Console& console) {
  calibrate::FitOptions fit;
  fit.starts = static_cast<int>(options.starts);
  fit.seed = static_cast<std::uint64_t>(options.seed);
  fit.threads = std::max(1u, std::thread::hardware_concurrency());
  fit.prior = options.quick ? quick_prior : 0;
  fit.keep_residuals = options.quick;
  fit.progress = [&console](const calibrate::FitProgress& p) {
    console.progress(fmt::format("{}: start {} of {}, error {}", name(p.group), p.start, p.starts,
                                 report::shown(p.error, Unit::fraction)));
  };
  return fit;
}

ExitCode run_calibrate(const Options& options, const Console& console) {
  require_sensible(options);
  const std::vector<Group> groups = groups_of(options);
  const Data data = read_data(options, console);
  const gpu::Gpu& gpu = data.gpu;
  const gpu::Node node = gpu::usual_node(gpu);
  const gpu::Calibration start = options.start.calibration(gpu);
  const calibrate::FitOptions fit = fit_options(options, console);

  calibrate::Fitter fitter(gpu, node, start, data.samples.all, fit);
  const std::vector<GroupRow> rows = fit_groups(groups, fitter);
  gpu::Calibration result = fitter.calibration();
  result.name = gpu.name;
  result.fit = gpu::Fit::own;
  state_sources(result, options, rows, data.from);
  console.progress("what is left");
  state_errors(result, options,
               calibrate::cross_validated(gpu, node, as_judged(options, start), as_judged(options, result),
                                          data.samples.all, groups, fit));
  console.progress("");

  const std::vector<calibrate::Sample> judged = part(data.samples.all, !options.quick);
  const ErrorsByClass before = errors_of(judged, gpu, node, start);
  const ErrorsByClass after = errors_of(judged, gpu, node, result);
  const std::string file = options.file.empty() ? gpu.name + ".json" : options.file;
  write_file(file, calibrate::calibration_text(result, data.from, fits_of(rows), after));

  report::Document document;
  document.csv = "classes";
  const char* judged_on = options.quick ? "Errors on what was measured" : "Errors on sites that were held out";
  document.sections = {file_section(file), sample_section(data.samples.count), groups_section(rows),
                       errors_section(before, after, judged_on)};
  show(document, options.format, console);
  return exit_ok;
}

}  // namespace

void add_calibrate(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("calibrate", "fit a GPU's coefficients to records, or to a quick measurement");
  auto options = std::make_shared<Options>();
  sub.add_option("--gpu", options->gpu, "that the records are of: a name (gemmetry gpus) or the path of a JSON file")
      ->type_name("GPU");
  CLI::Option* records = options->records.add_to(sub);
  options->start.add_to(sub)->description("a file to start from, instead of the shipped calibration");
  sub.add_option("--only", options->only, "coefficients to fit; usually all that there are records for")
      ->type_name("gemm|misaligned_gemm|attention|decode|pointwise|power")
      ->delimiter(',');
  add_size(sub, "--starts", options->starts, "places to fit from")->default_str("8");
  add_size(sub, "--seed", options->seed, "of those places")->default_str("1");
  constexpr auto measuring = "Measuring";
  CLI::Option* quick =
      sub.add_flag("--quick", options->quick, "measure products on this machine's device, and fit them");
  quick->excludes(records)->group(measuring);
  add_size(sub, "--products", options->products, "how many at most")
      ->default_str("200")
      ->needs(quick)
      ->group(measuring);
  options->device.add_to(sub)->needs(quick)->group(measuring);
  constexpr auto output = "Output";
  sub.add_option("--out", options->file, "the calibration file to write; usually GPU.json")
      ->type_name("FILE")
      ->group(output);
  add_choice(sub, "--format", options->format, {Format::table, Format::json, Format::csv, Format::markdown},
             "form of the report")
      ->group(output);
  sub.footer(examples);
  set_command(sub, chosen, options, run_calibrate);
}

}  // namespace gemmetry::cli
