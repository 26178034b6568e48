#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/algorithms_section.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/run_options.h"
#include "gemmetry/cli/serve_columns.h"
#include "gemmetry/cli/serve_session.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/trace_options.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

constexpr auto examples =
    R"(Requests arrive, are filled in one by one, and are decoded together, as many as are live. With --verify BxW each
deterministic request's tokens are drawn again in passes of B requests x W tokens and rolled back where they differ:
its answer does not depend on who else was served. Tokens count as answered once they are verified. Ctrl-C ends
serving and shows what was done.

Examples:
  gemmetry measure serve llama-3.1-8b --rate 12 --requests 500 --verify 8x64
  gemmetry measure serve pythia-410m --rate 40 --requests 1000 --verify 4x32 --deterministic 10% --answers answers.txt
  gemmetry measure serve pythia-410m --trace requests.csv --invariant
  gemmetry measure serve pythia-410m --verify 1x16 --pin all --answers same.txt        no token may flip
  gemmetry measure serve pythia-410m --verify 1x16 --inject bernoulli:0.45%            synthetic)";

struct Options {
  ModelOptions model;
  TraceOptions trace;
  ServeOptions serve;
  RunOptions run;
  OutputOptions output;
  std::optional<run::PassShape> verify;
  bool invariant = false;
  std::optional<double> most_time_s;
  std::string answers;
};

/// All that was asked for, and what came of it.
struct Serving {
  const Options& options;
  const run::Trace& trace;
  std::int64_t capacity = 0;
};

std::string mode_of(const Options& options) {
  if (options.verify) return "verified";
  return options.invariant ? "batch_invariant" : "unverified";
}

std::vector<Column<Serving>> request_columns() {
  using Row = Serving;
  const auto asked = [](auto get) { return [get](const Row& r) { return Value(get(r.options)); }; };
  return {
      {{.key = "mode", .heading = "served"}, asked(mode_of)},
      {{.key = "rate_per_s", .heading = "requests/s"},
       [](const Row& r) { return r.options.trace.from_file() ? Value() : Value(r.options.trace.rate_per_s()); }},
      {{.key = "slots", .heading = "slots"}, asked([](const Options& o) { return o.serve.slots(); })},
      {{.key = "capacity", .heading = "tokens of a slot"}, [](const Row& r) { return Value(r.capacity); }},
      {{.key = "dtype", .heading = "dtype"},
       asked([](const Options& o) { return std::string(name(o.serve.dtype())); })},
      {{.key = "temperature", .heading = "temperature"},
       asked([](const Options& o) { return static_cast<double>(o.serve.temperature()); })},
      {{.key = "deterministic", .heading = "deterministic", .unit = Unit::fraction},
       asked([](const Options& o) { return o.serve.deterministic(); })},
      {{.key = "pinned", .heading = "pinned"},
       asked([](const Options& o) { return std::string(name(o.invariant ? Pin::all : o.serve.pin())); })},
      {{.key = "injected", .heading = "synthetic: mismatches injected"},
       [](const Row& r) { return r.options.serve.inject().empty() ? Value() : Value(r.options.serve.inject()); }},
  };
}

/// A line for each request, by its id: what was streamed.
void write_answers(const std::string& path, const std::vector<run::Answer>& answers) {
  std::string text;
  for (const run::Answer& answer : answers)
    text += fmt::format("{}{}{}\n", answer.id, answer.tokens.empty() ? "" : " ", fmt::join(answer.tokens, " "));
  write_file(path, text);
}

void require_consistent(const Options& options) {
  if (options.invariant && options.verify)
    throw Error("--invariant and --verify are two ways to the same answers: leave out either");
  if (!options.verify && !options.serve.inject().empty())
    throw Error("--inject changes what is verified: add --verify, as in --verify 8x64");
}

run::ServeOptions serve_options(const Options& options, const Interrupt& interrupt, const Console& console) {
  run::ServeOptions how;
  how.verify = options.verify;
  how.fixed_batch = options.invariant;
  how.deterministic = options.serve.deterministic();
  how.temperature = options.serve.temperature();
  if (options.verify) how.change = options.serve.change(options.verify->window, options.run.seed());
  if (options.most_time_s) how.most_time_s = *options.most_time_s;
  how.stop = [&, shown = std::int64_t{0}](const run::ServeMetrics& metrics) mutable {
    if (metrics.committed - shown >= 1000) {
      shown = metrics.committed;
      console.progress(fmt::format("serving: {} tokens (Ctrl-C ends it)", shown));
    }
    return interrupt.requested();
  };
  return how;
}

ExitCode run_measure_serve(const Options& options, const Console& console) {
  require_consistent(options);
  const shape::Model model = options.run.model(options.model);
  const run::Trace trace = options.trace.trace(model.vocab, options.run.seed());
  const Serving serving{options, trace, longest_request(trace, model)};
  const std::vector<run::PassShape> shapes =
      options.verify ? std::vector{*options.verify} : std::vector<run::PassShape>();
  ServeSession session(options.run, model, options.serve, serving.capacity, shapes);
  const Interrupt interrupt;
  const Pin pin = options.invariant ? Pin::all : options.serve.pin();
  const run::Served served = session.serve(pin, trace, serve_options(options, interrupt, console));
  console.progress("");
  if (!options.answers.empty()) write_answers(options.answers, served.answers);

  report::Document document;
  document.csv = "serving";
  document.sections = {
      model_section(model),
      {"requests", "", report::Facts{make_table(request_columns(), serving)}},
      device_section(session.run().device(), nullptr),
      {"serving", "Serving", report::Facts{make_table(serve_columns(), ServeRow{options.verify, served.metrics})}},
      {"steps", "", report::List{steps_table(served.metrics)}, false},
      algorithms_section(session.engine(pin).algorithms()),
  };
  options.output.write(document, console);
  return exit_ok;
}

}  // namespace

void add_measure_serve(CLI::App& measure, Command& chosen) {
  constexpr auto group = "Serving";
  CLI::App& sub = *measure.add_subcommand("serve", "requests that arrive over time, served together and verified");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  options->trace.add_to(sub, true);
  options->serve.add_to(sub);
  add_text(sub, "--verify", "BxW", "verify deterministic requests in passes of B requests x W tokens",
           [target = &options->verify](const std::string& what, const std::string& text) {
             *target = pass_shape(what, text);
           })
      ->group(group);
  sub.add_flag("--invariant", options->invariant,
               "instead decode at one batch, all slots, with pinned algorithms: the batch-invariant baseline")
      ->group(group);
  add_text(sub, "--max-time", "TIME", "end serving after this long",
           [target = &options->most_time_s](const std::string& what, const std::string& text) {
             *target = seconds(what, text);
           })
      ->group(group);
  sub.add_option("--answers", options->answers,
                 "write the answers there: a line for each request, its number and tokens")
      ->type_name("FILE")
      ->group(group);
  options->run.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_measure_serve);
}

}  // namespace gemmetry::cli
