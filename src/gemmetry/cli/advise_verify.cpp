#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/command.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/kernel_classes.h"
#include "gemmetry/cli/model_options.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/cli/pass_heatmap.h"
#include "gemmetry/cli/serve_columns.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/trace_options.h"
#include "gemmetry/report/number.h"
#include "gemmetry/run/verify/model_prices.h"
#include "gemmetry/run/verify/proposal.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;
using run::ProposedCell;

constexpr auto examples =
    R"(Verified decoding decodes with whatever requests are live, then draws each request's tokens again in passes of one
fixed shape, BATCH requests x WINDOW tokens, and rolls back what differs: answers do not depend on who else was served.
Which shape is best hangs on the GPU (what a pass takes), the model and load, and how often tokens flip.

Examples:
  gemmetry advise verify llama-3.1-8b --gpu h200 --rate 12 --flip 0.45%
  gemmetry advise verify llama-3.1-8b --gpu a100 --rate 4 --prompt 1024 --new-tokens 400 --deterministic 10%
  gemmetry advise verify my/config.json --flip 0.1% --by total --format json)";

struct Options {
  ModelOptions model;
  GpuOptions gpu;
  TraceOptions trace;
  OutputOptions output;
  run::ProposalOptions proposal;
  double host_s = 0;
  std::int64_t seed = 1;
};

/// What is proposed, beside what it is compared with.
struct Answer {
  const Options& options;
  const run::Proposal& proposal;

  const ProposedCell& best() const { return proposal.cells[proposal.best]; }
};

/// A shape's row of the table.
struct Row {
  const ProposedCell& cell;
  const run::Proposal& proposal;
  std::int64_t same_products = 0;
  std::int64_t products = 0;
};

std::vector<Column<Answer>> request_columns() {
  using A = Answer;
  const auto fixed = [](auto get) { return [get](const A& a) { return Value(get(a.options)); }; };
  return {
      {{.key = "rate_per_s", .heading = "requests/s"},
       [](const A& a) { return a.options.trace.from_file() ? Value() : Value(a.options.trace.rate_per_s()); }},
      {{.key = "requests", .heading = "requests"}, [](const A& a) { return Value(a.proposal.unverified.requests); }},
      {{.key = "prompt_tokens", .heading = "prompt tokens"},
       [](const A& a) { return Value(a.proposal.unverified.prompt_tokens); }},
      {{.key = "tokens", .heading = "output tokens"},
       [](const A& a) { return Value(a.proposal.unverified.committed); }},
      {{.key = "slots", .heading = "slots"}, fixed([](const Options& o) { return o.proposal.slots; })},
      {{.key = "capacity", .heading = "tokens of a slot"}, fixed([](const Options& o) { return o.proposal.capacity; })},
      {{.key = "deterministic", .heading = "deterministic", .unit = Unit::fraction},
       fixed([](const Options& o) { return o.proposal.deterministic; })},
      {{.key = "flip_rate"}, fixed([](const Options& o) { return o.proposal.flip_rate; })},
      {{.key = "", .heading = "flips of tokens"},
       fixed([](const Options& o) { return rate_text(o.proposal.flip_rate); })},
      {{.key = "by", .heading = "best by"}, fixed([](const Options& o) { return std::string(name(o.proposal.aim)); })},
  };
}

std::vector<Column<Answer>> answer_columns() {
  using A = Answer;
  const auto ratio = [](const A& a, double run::Spread::*part) {
    return a.best().metrics.end_to_end_s.*part / a.proposal.unverified.end_to_end_s.*part;
  };
  return {
      {{.key = "batch", .heading = "batch"}, [](const A& a) { return Value(a.best().shape.batch); }},
      {{.key = "window", .heading = "window"}, [](const A& a) { return Value(a.best().shape.window); }},
      {{.key = "end_to_end_p99_s", .heading = "answered within, P99", .unit = Unit::seconds},
       [](const A& a) { return Value(a.best().metrics.end_to_end_s.p99); }},
      {{.key = "p99_over_unverified", .heading = "over unverified", .unit = Unit::factor},
       [=](const A& a) { return Value(ratio(a, &run::Spread::p99)); }},
      {{.key = "p50_over_unverified", .heading = "P50 over unverified", .unit = Unit::factor},
       [=](const A& a) { return Value(ratio(a, &run::Spread::p50)); }},
      {{.key = "time_s", .heading = "time of the trace", .unit = Unit::seconds},
       [](const A& a) { return Value(a.best().metrics.time_s); }},
      {{.key = "tokens_per_s", .heading = "tokens/s", .unit = Unit::count},
       [](const A& a) { return Value(a.best().metrics.tokens_per_s()); }},
      {{.key = "throughput_share", .heading = "of unverified", .unit = Unit::fraction},
       [](const A& a) { return Value(a.best().metrics.tokens_per_s() / a.proposal.unverified.tokens_per_s()); }},
      {{.key = "recompute_cost", .heading = "recompute cost", .unit = Unit::fraction},
       [](const A& a) { return Value(a.best().metrics.recompute_cost()); }},
      {{.key = "closed_form", .heading = "by the closed form", .unit = Unit::fraction},
       [](const A& a) { return Value(a.best().closed_form); }},
      {{.key = "pass_time_s", .heading = "a verification pass", .unit = Unit::seconds},
       [](const A& a) { return Value(a.best().pass_s); }},
      {{.key = "unverified.end_to_end_p99_s"},
       [](const A& a) { return Value(a.proposal.unverified.end_to_end_s.p99); }},
      {{.key = "unverified.end_to_end_p50_s"},
       [](const A& a) { return Value(a.proposal.unverified.end_to_end_s.p50); }},
      {{.key = "unverified.time_s"}, [](const A& a) { return Value(a.proposal.unverified.time_s); }},
      {{.key = "unverified.tokens_per_s"}, [](const A& a) { return Value(a.proposal.unverified.tokens_per_s()); }},
      {{.key = "batch_invariant.end_to_end_p99_s"},
       [](const A& a) { return Value(a.proposal.fixed_batch.end_to_end_s.p99); }},
      {{.key = "batch_invariant.time_s"}, [](const A& a) { return Value(a.proposal.fixed_batch.time_s); }},
      {{.key = "batch_invariant.tokens_per_s"},
       [](const A& a) { return Value(a.proposal.fixed_batch.tokens_per_s()); }},
  };
}

std::vector<Column<Row>> cell_columns() {
  const auto best = [](const Row& r) {
    return &r.cell == &r.proposal.cells[r.proposal.best] ? report::Tone::good : report::Tone::plain;
  };
  return {
      {{.key = "batch", .heading = "batch"}, [](const Row& r) { return Value(r.cell.shape.batch); }, best},
      {{.key = "window", .heading = "window"}, [](const Row& r) { return Value(r.cell.shape.window); }, best},
      {{.key = "recompute_cost", .heading = "recompute cost", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.cell.metrics.recompute_cost()); }},
      {{.key = "closed_form", .heading = "closed form", .unit = Unit::fraction},
       [](const Row& r) { return Value(r.cell.closed_form); }},
      {{.key = "pass_time_s", .heading = "pass", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.pass_s); }},
      {{.key = "verify_passes", .heading = "passes"}, [](const Row& r) { return Value(r.cell.metrics.verify_passes); }},
      {{.key = "verify_time_s", .heading = "verifying", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.metrics.verify_s); }},
      {{.key = "decode_time_s", .heading = "decoding", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.metrics.decode_s); }},
      {{.key = "time_s", .heading = "total", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.metrics.time_s); }},
      {{.key = "end_to_end_p50_s", .heading = "P50", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.metrics.end_to_end_s.p50); }},
      {{.key = "end_to_end_p99_s", .heading = "P99", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.cell.metrics.end_to_end_s.p99); },
       best},
      {{.key = "tokens_per_s", .heading = "tokens/s", .unit = Unit::count},
       [](const Row& r) { return Value(r.cell.metrics.tokens_per_s()); }},
      {{.key = "mean_batch", .heading = "live"}, [](const Row& r) { return Value(r.cell.metrics.mean_batch()); }},
      {{.key = "same_products"}, [](const Row& r) { return Value(r.same_products); }},
      {{.key = "", .heading = "products as in decoding"},
       [](const Row& r) { return Value(fmt::format("{} of {}", r.same_products, r.products)); }},
  };
}

template <class Get>
report::Section heatmap(const run::Proposal& proposal, const char* title, report::Axis y, const Console& console,
                        Get get) {
  std::vector<PassCell> cells;
  for (const ProposedCell& cell : proposal.cells) cells.push_back({cell.shape, get(cell)});
  return pass_picture(title, std::move(y), cells, console.style());
}

std::vector<std::string> notes(const Answer& answer, const std::vector<Row>& rows) {
  std::vector<std::string> lines;
  const auto same = [](const Row& row) { return row.same_products == row.products; };
  const std::int64_t alike = std::count_if(rows.begin(), rows.end(), same);
  lines.push_back(
      fmt::format("{} of {} shapes verify with the kernels that decoding has at its usual number of live requests: "
                  "there tokens flip "
                  "far less often (0.01 to 0.03 % in LLM-42's runs, else 0.3 to 0.9 %) than the one rate that all are "
                  "taken to have.",
                  alike, rows.size()));
  const ProposedCell& best = answer.best();
  const run::ServeMetrics& metrics = best.metrics;
  lines.push_back(fmt::format("At {} x {}: {} of the time is decoding, {} verifying, {} filling in.", best.shape.batch,
                              best.shape.window, report::shown(metrics.decode_s / metrics.time_s, Unit::fraction),
                              report::shown(metrics.verify_s / metrics.time_s, Unit::fraction),
                              report::shown(metrics.prefill_s / metrics.time_s, Unit::fraction)));
  lines.emplace_back(
      "Passes are priced as in gemmetry explain; that decoding takes the fastest algorithms and verification pinned "
      "ones "
      "is not.");
  return lines;
}

/// Rows of a decoding step of as many requests as are live on average when nobody is verified.
std::int64_t usual_rows(const run::Proposal& proposal) {
  return std::max<std::int64_t>(1, std::llround(proposal.unverified.mean_batch()));
}

std::vector<std::int64_t> rows_of_interest(const run::Proposal& proposal) {
  std::vector<std::int64_t> rows{usual_rows(proposal)};
  for (std::int64_t count = 1; count <= 512; count *= 2) rows.push_back(count);
  for (const ProposedCell& cell : proposal.cells) rows.push_back(cell.shape.rows());
  return rows;
}

ExitCode run_advise_verify(const Options& given, const Console& console) {
  Options options = given;
  const shape::Model model = options.model.model();
  const predict::Predictor predictor = options.gpu.predictor("", shape::Phase::decode);
  const run::Trace trace = options.trace.trace(model.vocab, static_cast<std::uint64_t>(options.seed));
  options.proposal.capacity = longest_request(trace, model);
  options.proposal.seed = static_cast<std::uint64_t>(options.seed);
  const auto prices = std::make_shared<run::ModelPrices>(
      model, predictor,
      run::ModelPricesOptions{default_dtype(predictor.gpu()), options.proposal.capacity, options.host_s});
  const Interrupt interrupt;
  options.proposal.stop = [&] { return interrupt.requested(); };
  const run::Proposal proposal = run::propose(trace, run::ModelPrices::of(prices), options.proposal);
  const Answer answer{options, proposal};

  const std::int64_t decoding = usual_rows(proposal);
  const std::vector<ProductClasses> products = kernel_classes(model, *prices, predictor, rows_of_interest(proposal));
  std::vector<Row> rows;
  for (const ProposedCell& cell : proposal.cells)
    rows.push_back({cell, proposal, same_classes(products, cell.shape.rows(), decoding), std::ssize(products)});

  const auto p99 = [](const ProposedCell& cell) { return cell.metrics.end_to_end_s.p99; };
  report::Document document;
  document.csv = "shapes";
  document.sections = {
      model_section(model),
      gpu_section(predictor),
      {"requests", "", report::Facts{make_table(request_columns(), answer)}},
      {"proposal", fmt::format("Best by {}", name(options.proposal.aim)),
       report::Facts{make_table(answer_columns(), answer)}},
      {"shapes", "Shapes of verification passes", report::List{make_table(cell_columns(), rows)}},
      heatmap(proposal, "Recompute cost", {"recompute cost", Unit::fraction, false}, console,
              [](const ProposedCell& cell) { return cell.closed_form; }),
      heatmap(proposal, "A verification pass", {"time", Unit::seconds, false}, console,
              [](const ProposedCell& cell) { return cell.pass_s; }),
      heatmap(proposal, "Answered within, P99", {"time", Unit::seconds, false}, console, p99),
      heatmap(proposal, "Total time", {"time", Unit::seconds, false}, console,
              [](const ProposedCell& cell) { return cell.metrics.time_s; }),
      {"kernels", fmt::format("Kernels of the products by rows; decoding has {}", decoding),
       report::List{class_table(products, decoding)}},
      {"notes", "", report::Notes{notes(answer, rows)}},
  };
  options.output.write(document, console);
  return exit_ok;
}

void add_options(CLI::App& sub, Options& options) {
  constexpr auto group = "Verified decoding";
  const auto add_share = [&](const char* flag, double& target, const char* shown, const char* description) {
    const auto read = [&target](const std::string& what, const std::string& text) {
      target = share(what, text);
      if (target > 1) throw Error(what + " = '" + text + "': expected at most 100 %");
    };
    return add_text(sub, flag, "SHARE", description, read)->default_str(shown)->group(group);
  };
  options.proposal.flip_rate = 0.0045;
  add_share("--flip", options.proposal.flip_rate, "0.45%",
            "of decoded tokens that the verifier draws differently; the default is what an 8B model showed in LLM-42");
  add_share("--deterministic", options.proposal.deterministic, "100%", "of requests that are verified");
  add_size(sub, "--slots", options.proposal.slots, "requests at the same time")->group(group);
  add_choice(sub, "--by", options.proposal.aim, {run::Aim::p99, run::Aim::total},
             "the best shape has the lowest P99 of answers, or the lowest time in all")
      ->group(group);
  add_text(sub, "--host", "TIME", "that every pass takes beside its kernels",
           [&options](const std::string& what, const std::string& text) { options.host_s = seconds(what, text); })
      ->default_str("0s")
      ->group(group);
  add_size(sub, "--seed", options.seed, "of arrivals, lengths and flips", 0)->group(group);
}

}  // namespace

void add_advise_verify(CLI::App& advise, Command& chosen) {
  CLI::App& sub = *advise.add_subcommand("verify", "batch and window of verified decoding, by what serving then takes");
  auto options = std::make_shared<Options>();
  options->model.add_to(sub);
  options->trace.add_to(sub, true);
  add_options(sub, *options);
  options->gpu.add_to(sub);
  options->output.add_to(sub);
  sub.footer(examples);
  set_command(sub, chosen, options, run_advise_verify);
}

}  // namespace gemmetry::cli
