#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "gemmetry/base/version.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/operators_section.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/study_chart.h"
#include "gemmetry/cli/study_sweep.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/report/page.h"
#include "gemmetry/study/study_file.h"

namespace gemmetry::cli {
namespace {

constexpr auto examples =
    R"(One HTML file that needs no other and no network: every study with its chart, its claims and their verdicts, its
points, and where each number comes from. Devices lie over each other; what was measured is shown where the studies
measured it (--points), what is predicted in between too.

Examples:
  gemmetry report --out report.html
  gemmetry report llama-2-7b --out llama.html                      the model's operators and waves too
  gemmetry report --device recorded:h200,predict:h200,predict:a100 --out report.html
  gemmetry report --study vocabulary,mlp_h_to_4h --device predict:b200 --out vocabulary.html)";

/// Of each device and study in the page's tables; `gemmetry study show --format csv` has all.
constexpr std::size_t table_rows = 200;

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::forward};
  std::vector<std::string> studies;
  std::vector<backends::DeviceName> devices{backends::DeviceName::from("predict:h200")};
  DatabaseOption database;
  study::SeriesSetting asked;
  std::int64_t points = usual_study_points;
  std::string out;
};

std::string merit_of(const study::Verdict& verdict) {
  return verdict.merit ? fmt::format("{:.3g}, {}", *verdict.merit, verdict.merit_name) : std::string();
}

std::vector<report::PageClaim> claims_of(const study::Study& study, const std::vector<StudyAnswer>& answers) {
  std::vector<report::PageClaim> claims;
  for (std::size_t i = 0; i < study.claims.size(); ++i) {
    report::PageClaim claim{study.claims[i].text, {}};
    for (const StudyAnswer& answer : answers) {
      const study::Verdict& verdict = answer.verdicts[i];
      claim.verdicts.push_back({answer.device, std::string(name(verdict.standing)), tone_of(verdict.standing),
                                merit_of(verdict), verdict.reason, answer.command});
    }
    claims.push_back(std::move(claim));
  }
  return claims;
}

report::PageStudy page_study(const study::Study& study, const std::vector<StudyAnswer>& answers) {
  report::PageStudy page;
  page.name = study.name;
  page.figures = study.figures;
  page.title = study.title;
  page.source = study.source;
  page.notes = study.notes;
  page.claims = claims_of(study, answers);
  page.chart = chart_of(study, answers);
  page.table = points_table(study, answers, table_rows);
  for (const StudyAnswer& answer : answers)
    page.provenance.push_back(fmt::format("{}: {}, {} points, {} missing; {}", answer.device, answer.source,
                                          answer.points.size(), answer.missing(), answer.command));
  return page;
}

struct Facts {
  std::string devices;
  std::size_t studies = 0;
};

report::Table facts_table(const Facts& facts) {
  using report::Column;
  using report::Value;
  const std::vector<Column<Facts>> columns{
      {{.key = "tool", .heading = "made by"}, [](const Facts&) { return Value(fmt::format("gemmetry {}", version)); }},
      {{.key = "devices", .heading = "devices"}, [](const Facts& f) { return Value(f.devices); }},
      {{.key = "studies", .heading = "studies"},
       [](const Facts& f) { return Value(static_cast<std::int64_t>(f.studies)); }},
  };
  return make_table(columns, facts);
}

/// A model's operators and the waves of its products, on the first device that is a GPU of the catalogue.
std::vector<report::Section> model_sections(const Options& options) {
  if (!options.model.given()) return {};
  std::string gpu = "h200";
  for (const backends::DeviceName& device : options.devices)
    if (!device.gpu.empty()) {
      gpu = device.gpu;
      break;
    }
  const shape::Model model = options.model.model();
  const predict::Predictor predictor = predict::Predictor::for_gpu(gpu, {options.asked.clocks, predict::Launch::graph});
  const shape::Workload workload = options.workload.workload(model, predictor.gpu());
  const Explanation explained = explain(model, workload, predictor, true);
  std::vector<report::Section> sections{model_section(model), workload_section(workload), gpu_section(predictor),
                                        operators_section(explained, true)};
  for (report::Section& section : wave_sections(explained, predictor)) sections.push_back(std::move(section));
  return sections;
}

ExitCode run_report(const Options& options, const Console& console) {
  const report::PageAssets assets = report::page_assets();  // what is missing is said before the work
  std::vector<std::unique_ptr<StudyDevice>> devices;
  Facts facts;
  for (const backends::DeviceName& name : options.devices) {
    devices.push_back(open_study_device(name, options.database.path()));
    facts.devices += (facts.devices.empty() ? "" : "; ") + devices.back()->name() + ": " + devices.back()->source();
  }
  report::Page page;
  page.title = "What a transformer's shape costs on a GPU";
  page.lead =
      "The figures of The Case for Co-Designing Model Architectures with Hardware, run again, with a verdict for each "
      "claim.";
  for (const std::string& name : options.studies.empty() ? study::study_names() : options.studies) {
    console.progress(name);
    const study::Study study = study::load_study(name);
    std::vector<StudyAnswer> answers;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      std::vector<study::Point> points = study::points_of(study, devices[i]->dtype());
      const bool thins = options.devices[i].kind != backends::DeviceKind::predicted;
      if (thins) points = study::thinned(std::move(points), static_cast<std::size_t>(options.points));
      answers.push_back(answer(study, std::move(points), *devices[i], options.asked));
      answers.back().command =
          show_command(name, devices[i]->name(), thins ? std::optional(options.points) : std::nullopt, options.asked);
    }
    page.studies.push_back(page_study(study, answers));
  }
  console.progress("");
  page.sections = model_sections(options);
  facts.studies = page.studies.size();
  page.facts = facts_table(facts);
  write_file(options.out, report::to_html(page, assets));
  return exit_ok;
}

}  // namespace

void add_report(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("report", "one HTML page of all studies: charts, claims, tables");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  options->workload.add_to(sub);
  sub.add_option("--out", options->out, "the file that is written")->type_name("FILE")->required();
  add_text(sub, "--device", "NAMES", "as gemmetry study show takes it; several with commas",
           [options](const std::string&, const std::string& text) { options->devices = device_names(text); })
      ->default_str("predict:h200");
  add_text(sub, "--study", "NAMES", "these studies alone, with commas",
           [options](const std::string& what, const std::string& text) {
             options->studies = comma_list(text);
             require_different(what, options->studies);
           });
  options->database.add_to(sub);
  add_setting(sub, options->asked);
  add_size(sub, "--points", options->points, "points of each series where they were measured", 2);
  sub.footer(examples);
  set_command(sub, chosen, options, run_report);
}

}  // namespace gemmetry::cli
