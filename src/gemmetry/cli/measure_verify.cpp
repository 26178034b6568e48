#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/algorithms_section.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/pass_times.h"
#include "gemmetry/cli/run_options.h"
#include "gemmetry/cli/serve_session.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/trace_options.h"
#include "gemmetry/cli/verify_report.h"
#include "gemmetry/cli/verify_sweep.h"

namespace gemmetry::cli {
namespace {

constexpr auto examples =
    R"(One of --grid, --shares, --passes and --from says what is asked: a heatmap over shapes of passes at one or more
rates; serving by share of deterministic requests beside nobody verified and the batch-invariant baseline; times of the
passes alone; or what a file of cells says. With --cells FILE each cell is kept as it is measured: after Ctrl-C, or when
the time budget is used up, the same command goes on.

Examples:
  gemmetry measure verify --grid --cells grid.csv --hidden 1024 --layers 24 --heads 16 --vocab 32768 --rollbacks 400
  gemmetry measure verify --grid --rates 6,12 --shapes 1x16,1x64,8x64 pythia-410m --time-budget 10m
  gemmetry measure verify --shares 2%,10%,50%,100% --shape 8x64 pythia-410m
  gemmetry measure verify --passes 20 llama-3.1-8b
  gemmetry measure verify --from grid.csv)";

struct Options {
  ModelOptions model;
  TraceOptions trace;
  ServeOptions serve;
  RunOptions run;
  OutputOptions output;
  VerifySweepOptions sweep;
  bool grid = false;
  std::vector<double> rates, shares;
  std::vector<run::PassShape> shapes;
  std::optional<run::PassShape> shape;
  std::optional<std::int64_t> passes;
  std::string from;
};

void require_one_question(const Options& options) {
  const int asked = (options.grid ? 1 : 0) + (options.shares.empty() ? 0 : 1) + (options.passes ? 1 : 0) +
                    (options.from.empty() ? 0 : 1);
  if (asked != 1) throw Error("measure verify: state one of --grid, --shares, --passes and --from");
  if (!options.shares.empty() && !options.shape)
    throw Error("--shares is of one shape: add --shape, as in --shape 8x64");
  if (options.shares.empty() && options.shape) throw Error("--shape is of --shares: --grid takes --shapes");
}

std::vector<run::PassShape> shapes_of(const Options& options) {
  if (options.shape) return {*options.shape};
  return options.shapes.empty() ? run::usual_pass_shapes() : options.shapes;
}

std::vector<VerifyQuestion> questions_of(const Options& options) {
  std::vector<double> rates = options.rates;
  if (rates.empty()) rates.push_back(options.trace.rate_per_s());
  std::vector<VerifyQuestion> questions;
  for (const double rate : rates) {
    questions.push_back({rate, 0, std::nullopt, false});
    if (!options.shares.empty()) questions.push_back({rate, 1, std::nullopt, true});
    for (const double share : options.shares) questions.push_back({rate, share, options.shape, false});
    if (!options.grid) continue;
    for (const run::PassShape& shape : shapes_of(options))
      questions.push_back({rate, options.serve.deterministic(), shape, false});
  }
  // An engine is made anew where decoding is pinned otherwise: the baseline last.
  std::stable_sort(questions.begin(), questions.end(),
                   [](const VerifyQuestion& a, const VerifyQuestion& b) { return a.fixed_batch < b.fixed_batch; });
  return questions;
}

/// Tokens of the longest request of all rounds.
std::int64_t capacity_of(const Options& options, const shape::Model& model) {
  std::int64_t most = 1;
  const std::int64_t rounds = options.trace.from_file() ? 1 : options.sweep.most_rounds;
  for (std::int64_t round = 0; round < rounds; ++round)
    most = std::max(
        most, longest_request(options.trace.trace(model.vocab, options.run.seed() + static_cast<std::uint64_t>(round)),
                              model));
  return most;
}

ExitCode report_file(const Options& options, const Console& console) {
  report::Document document;
  document.csv = "cells";
  document.sections = verify_sections(read_cells(options.from), console.style());
  options.output.write(document, console);
  return exit_ok;
}

ExitCode run_measure_verify(const Options& given, const Console& console) {
  Options options = given;
  require_one_question(options);
  if (!options.from.empty()) return report_file(options, console);
  const shape::Model model = options.run.model(options.model);
  options.sweep.seed = options.run.seed();
  const std::int64_t context = options.trace.random().prompt.mean;
  const std::vector<run::PassShape> shapes = shapes_of(options);
  std::int64_t capacity = 0;
  if (options.passes)
    for (const run::PassShape& shape : shapes) capacity = std::max(capacity, context + shape.window + 1);
  else
    capacity = capacity_of(options, model);

  ServeSession session(options.run, model, options.serve, capacity, shapes);
  std::optional<predict::Predictor> predictor;
  predict::Predictor::Options how;
  how.launch = options.run.replay() == measure::Replay::graph ? predict::Launch::chain : predict::Launch::stream;
  if (session.run().gpu()) predictor = predict::Predictor::for_gpu(session.run().gpu()->name, how);
  const op::CostModel* costs = predictor ? &*predictor : nullptr;
  report::Document document;
  document.sections = {model_section(model), device_section(session.run().device(), nullptr)};
  if (options.passes) {
    document.csv = "passes";
    document.sections.push_back(
        pass_times(session, shapes, context, *options.passes, costs, options.sweep.host_s, console));
    document.sections.push_back(algorithms_section(session.engine(options.serve.pin()).algorithms()));
  } else {
    document.csv = "cells";
    const std::vector<VerifyCell> cells =
        sweep_cells(session, options.trace, questions_of(options), options.sweep, costs, console);
    for (report::Section& section : verify_sections(cells, console.style()))
      document.sections.push_back(std::move(section));
  }
  options.output.write(document, console);
  return exit_ok;
}

void add_questions(CLI::App& sub, Options& options) {
  constexpr auto group = "Question";
  sub.add_flag("--grid", options.grid, "a heatmap: every shape of verification passes, and nobody verified")
      ->group(group);
  const auto read_shares = [&options](const std::string& what, const std::string& text) {
    for (const std::string& one : comma_list(text)) {
      options.shares.push_back(share(what, one));
      if (options.shares.back() > 1) refuse_text(what, one, "at most 100 %");
    }
  };
  add_text(sub, "--shares", "SHARE,...", "serving with these shares of deterministic requests, and the baselines",
           read_shares)
      ->group(group);
  add_text(sub, "--shape", "BxW", "of --shares: the shape of verification passes",
           [&options](const std::string& what, const std::string& text) { options.shape = pass_shape(what, text); })
      ->group(group);
  add_size(sub, "--passes", options.passes, "time verification passes and decoding steps alone, so often each")
      ->group(group);
  sub.add_option("--from", options.from, "what a file of cells says, without a device")
      ->type_name("FILE")
      ->group(group);
  add_text(sub, "--rates", "R,R,...", "of --grid and --shares: requests a second, each rate in turn",
           [&options](const std::string& what, const std::string& text) {
             for (const std::string& one : comma_list(text)) {
               options.rates.push_back(number(what, one));
               if (!(options.rates.back() > 0)) refuse_text(what, one, "requests a second, over 0");
             }
           })
      ->group(group);
  add_text(sub, "--shapes", "BxW,...", "of --grid and --passes; all 21 of at most 512 rows unless stated",
           [&options](const std::string& what, const std::string& text) {
             for (const std::string& one : comma_list(text)) options.shapes.push_back(pass_shape(what, one));
           })
      ->group(group);
}

void add_sweep(CLI::App& sub, VerifySweepOptions& sweep) {
  constexpr auto group = "Sweep";
  sub.add_option("--cells", sweep.file, "CSV in which measured cells are kept, and found again")
      ->type_name("FILE")
      ->group(group);
  add_size(sub, "--rollbacks", sweep.rollbacks, "repeat with other requests until a cell has as many rollbacks", 0)
      ->group(group);
  add_size(sub, "--rounds", sweep.most_rounds, "but at most so often")->group(group);
  add_text(sub, "--time-budget", "TIME", "begin no further cell after this long",
           [&sweep](const std::string& what, const std::string& text) { sweep.time_budget_s = seconds(what, text); })
      ->group(group);
  add_text(sub, "--host", "TIME", "of predictions: that every pass takes beside its kernels",
           [&sweep](const std::string& what, const std::string& text) { sweep.host_s = seconds(what, text); })
      ->default_str("0s")
      ->group(group);
}

}  // namespace

void add_measure_verify(CLI::App& measure, Command& chosen) {
  CLI::App& sub = *measure.add_subcommand("verify", "heatmaps of verified decoding: recompute cost, times, flips");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  add_questions(sub, *options);
  options->trace.add_to(sub, true);
  options->serve.add_to(sub);
  add_sweep(sub, options->sweep);
  options->run.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_measure_verify);
}

}  // namespace gemmetry::cli
