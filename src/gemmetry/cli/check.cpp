#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/advise/rules.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/workload_options.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using advise::Finding;
using advise::Verdict;
using report::Column;
using report::Tone;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Exit status: 0 when no rule costs more than --fail-over, 1 when one does or a split is impossible.

Examples:
  gemmetry check gpt3-2.7b
  gemmetry check my/config.json --fail-over 5%
  gemmetry check --hidden 4096 --layers 32 --heads 32 --vocab 50257 --tp 1,2,4,6,8
  gemmetry check llama-2-7b --phase forward --gpu a100-80gb --format json)";

struct Options {
  ModelOptions model;
  WorkloadOptions workload{shape::Phase::training};
  GpuOptions gpu;
  OutputOptions output;
  double fail_over = 0.01;
};

Tone tone_of(const Finding& finding) {
  switch (finding.verdict) {
    case Verdict::ok:
      return Tone::good;
    case Verdict::note:
      return Tone::plain;
    case Verdict::costly:
      return Tone::warn;
    case Verdict::impossible:
      return Tone::bad;
  }
  return Tone::plain;
}

std::vector<Column<Finding>> finding_columns(bool several_degrees) {
  const auto text = [](std::string Finding::*words) { return [words](const Finding& f) { return Value(f.*words); }; };
  return {
      {{.key = "tensor_parallel", .heading = several_degrees ? "t" : "", .once = true},
       [](const Finding& f) { return Value(f.tensor_parallel); }},
      {{.key = "rule", .heading = "rule"}, text(&Finding::rule)},
      {{.key = "section", .heading = "paper"}, text(&Finding::section)},
      {{.key = "subject", .heading = "of"}, text(&Finding::subject)},
      {{.key = "value", .heading = "is"}, text(&Finding::value)},
      {{.key = "paper_threshold", .heading = "the paper asks"}, text(&Finding::paper_threshold)},
      {{.key = "gpu_threshold", .heading = "this GPU needs"}, text(&Finding::gpu_threshold)},
      {{.key = "verdict", .heading = "verdict"},
       [](const Finding& f) { return Value(std::string(name(f.verdict))); },
       tone_of},
      {{.key = "cost", .heading = "cost", .unit = Unit::fraction, .interval = true},
       [](const Finding& f) { return f.cost ? Value(interval(*f.cost)) : Value(report::Unknown{}); },
       tone_of},
      {{.key = "message", .heading = "what to do", .wrap = true}, text(&Finding::message)},
  };
}

/// What the findings come to.
struct Summary {
  std::size_t findings = 0;
  std::size_t impossible = 0;
  std::size_t costly = 0;  ///< graded costly, and past `fail_over`, beyond the error of the prediction
  double fail_over = 0;
  bool failed() const { return impossible + costly > 0; }
  std::string sentence;
};

Summary summarise(const std::vector<Finding>& findings, double fail_over) {
  Summary summary;
  summary.findings = findings.size();
  summary.fail_over = fail_over;
  const Finding* worst = nullptr;
  for (const Finding& finding : findings) {
    if (finding.verdict == Verdict::impossible) ++summary.impossible;
    if (finding.verdict != Verdict::costly || !finding.cost || finding.cost->value <= fail_over) continue;
    ++summary.costly;
    if (!worst || finding.cost->value > worst->cost->value) worst = &finding;
  }
  const std::string limit = report::shown(fail_over, Unit::fraction);
  summary.sentence =
      fmt::format("{} of {} checks cost more than {} of the step", summary.costly, findings.size(), limit);
  if (worst)
    summary.sentence += fmt::format("; the worst is {} ({} = {}): {}", worst->rule, worst->subject, worst->value,
                                    report::shown(interval(*worst->cost), Unit::fraction));
  if (summary.impossible > 0) summary.sentence += fmt::format("; {} cannot run at all", summary.impossible);
  summary.sentence += ".";
  return summary;
}

std::vector<Column<Summary>> summary_columns() {
  const auto size = [](std::size_t n) { return Value(static_cast<std::int64_t>(n)); };
  return {
      {{.key = "findings"}, [=](const Summary& s) { return size(s.findings); }},
      {{.key = "costly"}, [=](const Summary& s) { return size(s.costly); }},
      {{.key = "impossible"}, [=](const Summary& s) { return size(s.impossible); }},
      {{.key = "fail_over"}, [](const Summary& s) { return Value(s.fail_over); }},
      {{.key = "failed"}, [](const Summary& s) { return Value(s.failed()); }},
      {{.key = "sentence", .heading = "summary"},
       [](const Summary& s) { return Value(s.sentence); },
       [](const Summary& s) { return s.failed() ? Tone::bad : Tone::good; }},
  };
}

ExitCode run_check(const Options& options, const Console& console) {
  const shape::Model model = options.model.model();
  const predict::Predictor predictor = options.gpu.predictor("", options.workload.phase());
  const shape::Workload workload = options.workload.workload(model, predictor.gpu());
  const std::vector<std::int64_t>& degrees = options.workload.tensor_parallel();
  const std::vector<Finding> findings = advise::check(model, workload, predictor, predictor.gpu(), {degrees});
  const Summary summary = summarise(findings, options.fail_over);

  report::Document document;
  document.csv = "findings";
  document.sections = {
      model_section(model),
      workload_section(workload),
      gpu_section(predictor),
      {"findings", "Rules, with what keeping each would save (90 % interval)",
       report::List{make_table(finding_columns(degrees.size() > 1), findings)}},
      {"summary", "", report::Facts{make_table(summary_columns(), summary)}},
  };
  options.output.write(document, console);
  return summary.failed() ? exit_finding : exit_ok;
}

}  // namespace

void add_check(CLI::App& app, Command& chosen) {
  CLI::App& sub = *app.add_subcommand("check", "the paper's rules, graded by what each violation costs on this GPU");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  const auto read_limit = [limit = &options->fail_over](const std::string& what, const std::string& text) {
    *limit = per_cent(what, text);
  };
  add_text(sub, "--fail-over", "PERCENT", "exit 1 when a rule costs more than this share of the step", read_limit)
      ->default_str("1%");
  options->workload.add_to(sub, true);
  options->gpu.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_check);
}

}  // namespace gemmetry::cli
