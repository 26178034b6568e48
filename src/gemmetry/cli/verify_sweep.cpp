#include "gemmetry/cli/verify_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/output_options.h"
#include "gemmetry/measure/host_clock.h"
#include "gemmetry/report/csv.h"
#include "gemmetry/run/verify/model_prices.h"
#include "gemmetry/run/verify/proposal.h"
#include "gemmetry/run/verify/recompute_cost.h"

namespace gemmetry::cli {
namespace {

/// What has to be equal for cells to be comparable.
std::string setting_text(ServeSession& session, const TraceOptions& traces, std::uint64_t seed) {
  const ServeOptions& options = session.options();
  std::string text = fmt::format("{} on {}, {}, temperature {}, {} slots of {}, {}, seed {}", session.model().name,
                                 session.run().device().name, name(options.dtype()), options.temperature(),
                                 options.slots(), session.capacity(), traces.text(), seed);
  if (options.pin() != Pin::none) text += fmt::format(", pinned {}", name(options.pin()));
  if (!options.inject().empty()) text += ", synthetic " + options.inject();
  return text;
}

std::string mode_of(const VerifyQuestion& question) {
  if (question.shape) return "verified";
  return question.fixed_batch ? "batch_invariant" : "unverified";
}

void note_first(VerifyCell& cell, const run::ServeMetrics& metrics) {
  cell.mean_new_tokens = static_cast<double>(metrics.committed) / static_cast<double>(metrics.requests);
  cell.time_s = metrics.time_s;
  cell.tokens_per_s = metrics.tokens_per_s();
  cell.end_to_end_mean_s = metrics.end_to_end_s.mean;
  cell.end_to_end_p50_s = metrics.end_to_end_s.p50;
  cell.end_to_end_p99_s = metrics.end_to_end_s.p99;
  cell.first_token_p50_s = metrics.first_token_s.p50;
  cell.first_token_p99_s = metrics.first_token_s.p99;
  cell.mean_batch = metrics.mean_batch();
  cell.decode_steps = metrics.decode_steps;
  cell.decode_time_s = metrics.decode_s;
  cell.prefill_time_s = metrics.prefill_s;
  cell.verify_passes = metrics.verify_passes;
  cell.verify_time_s = metrics.verify_s;
  if (metrics.verify_passes > 0) cell.pass_time_s = metrics.verify_s / static_cast<double>(metrics.verify_passes);
  cell.early_windows = metrics.early_windows;
  cell.dummy_windows = metrics.dummy_windows;
}

void add_round(VerifyCell& cell, const run::ServeMetrics& metrics) {
  ++cell.rounds;
  cell.windows += metrics.windows.windows;
  cell.rollbacks += metrics.windows.rollbacks;
  cell.rolled_back_tokens += metrics.windows.rolled_back;
  cell.compared_tokens += metrics.windows.kept;
  cell.deterministic_tokens += metrics.deterministic_tokens;
}

/// How many windows had so many drafts.
using WindowLengths = std::map<std::int64_t, std::int64_t>;

void conclude(VerifyCell& cell, const std::vector<std::int64_t>& lengths, const WindowLengths& windows) {
  if (cell.deterministic_tokens == 0 || cell.compared_tokens == 0) return;
  cell.recompute_cost = static_cast<double>(cell.rolled_back_tokens) / static_cast<double>(cell.deterministic_tokens);
  cell.flip_rate = static_cast<double>(cell.rollbacks) / static_cast<double>(cell.compared_tokens);
  double of_windows = 0;
  for (const auto& [tokens, count] : windows)
    of_windows += static_cast<double>(count) * run::rolled_back_of_window(*cell.flip_rate, tokens);
  cell.window_form = of_windows / static_cast<double>(cell.deterministic_tokens);
  if (lengths.empty()) return;
  cell.closed_form = run::recompute_cost(*cell.flip_rate, cell.window, lengths);
  cell.inverted_flip_rate = run::flip_rate_of(cell.recompute_cost, cell.window, lengths);
}

/// A sweep on its way.
class Sweep {
 public:
  Sweep(ServeSession& session, const TraceOptions& traces, const VerifySweepOptions& options,
        const op::CostModel* costs, const Console& console)
      : session_(session), traces_(traces), options_(options), console_(console) {
    if (costs)
      prices_ = std::make_shared<run::ModelPrices>(
          session.model(), *costs,
          run::ModelPricesOptions{session.options().dtype(), session.capacity(), options.host_s});
    begin_s_ = clock_.now_s();
    if (!options.file.empty() && std::filesystem::exists(options.file)) cells_ = read_cells(options.file);
  }
  ~Sweep() { console_.progress(""); }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;

  std::vector<VerifyCell> run(const std::vector<VerifyQuestion>& questions) {
    std::vector<VerifyCell> answers;
    for (const VerifyQuestion& question : questions) {
      VerifyCell cell = blank(question);
      const auto same = [&](const VerifyCell& other) { return other.same_question(cell); };
      const auto known = std::find_if(cells_.begin(), cells_.end(), same);
      if (known != cells_.end()) {
        answers.push_back(*known);
        continue;
      }
      if (over()) continue;
      ++measured_;
      progress_ = fmt::format("{} of {}", answers.size() + 1, questions.size());
      if (!measure(cell, question)) continue;
      answers.push_back(cell);
      cells_.push_back(std::move(cell));
      if (!options_.file.empty()) write_file(options_.file, report::to_csv(cell_table(cells_)));
    }
    return answers;
  }

 private:
  bool over() const {
    return interrupt_.requested() ||
           (options_.time_budget_s && measured_ > 0 && clock_.now_s() - begin_s_ > *options_.time_budget_s);
  }

  VerifyCell blank(const VerifyQuestion& question) {
    VerifyCell cell;
    cell.setting = setting_text(session_, traces_, options_.seed);
    cell.mode = mode_of(question);
    cell.rate_per_s = question.rate_per_s;
    cell.deterministic = question.deterministic;
    if (question.shape) {
      cell.batch = question.shape->batch;
      cell.window = question.shape->window;
    }
    return cell;
  }

  run::Served serve(const VerifyQuestion& question, const run::Trace& trace, std::uint64_t seed) {
    run::ServeOptions how;
    how.verify = question.shape;
    how.fixed_batch = question.fixed_batch;
    how.deterministic = question.deterministic;
    how.temperature = session_.options().temperature();
    if (question.shape) how.change = session_.options().change(question.shape->window, seed);
    how.stop = [this, shown = std::int64_t{-1}](const run::ServeMetrics& metrics) mutable {
      if (metrics.committed / 1000 != shown) {
        shown = metrics.committed / 1000;
        console_.progress(fmt::format("serving {}: {} tokens (Ctrl-C ends it)", progress_, metrics.committed));
      }
      return interrupt_.requested();
    };
    return session_.serve(question.fixed_batch ? Pin::all : session_.options().pin(), trace, how);
  }

  /// Whether it was measured to its end.
  bool measure(VerifyCell& cell, const VerifyQuestion& question) {
    std::vector<std::int64_t> lengths;
    WindowLengths windows;
    do {
      const std::uint64_t seed = options_.seed + static_cast<std::uint64_t>(cell.rounds);
      const run::Trace trace = traces_.trace(session_.model().vocab, seed, question.rate_per_s);
      if (longest_request(trace, session_.model()) > session_.capacity()) break;  // another seed's longest answer
      const run::ServeMetrics metrics = serve(question, trace, seed).metrics;
      if (metrics.unfinished > 0) break;
      if (cell.rounds == 0) note_first(cell, metrics);
      add_round(cell, metrics);
      for (const auto& [tokens, count] : metrics.windows_by_tokens) windows[tokens] += count;
      lengths.insert(lengths.end(), metrics.deterministic_lengths.begin(), metrics.deterministic_lengths.end());
    } while (question.shape && cell.rollbacks < options_.rollbacks && cell.rounds < options_.most_rounds && !over() &&
             !traces_.from_file());
    if (cell.rounds == 0) return false;
    conclude(cell, lengths, windows);
    predict(cell, question);
    return true;
  }

  void predict(VerifyCell& cell, const VerifyQuestion& question) {
    if (!prices_) return;
    run::ProposalOptions how;
    how.slots = session_.options().slots();
    how.capacity = session_.capacity();
    how.flip_rate = cell.flip_rate.value_or(0);
    how.deterministic = question.deterministic;
    how.seed = options_.seed;
    const run::Trace trace = traces_.trace(session_.model().vocab, options_.seed, question.rate_per_s);
    const run::ServeMetrics metrics =
        run::serve_priced(trace, run::ModelPrices::of(prices_), how, question.shape, question.fixed_batch);
    cell.predicted_time_s = metrics.time_s;
    cell.predicted_p99_s = metrics.end_to_end_s.p99;
    if (metrics.verify_passes > 0)
      cell.predicted_pass_s = metrics.verify_s / static_cast<double>(metrics.verify_passes);
  }

  ServeSession& session_;
  const TraceOptions& traces_;
  const VerifySweepOptions& options_;
  const Console& console_;
  std::shared_ptr<run::ModelPrices> prices_;
  Interrupt interrupt_;
  mutable measure::HostClock clock_;
  double begin_s_ = 0;
  std::int64_t measured_ = 0;
  std::string progress_;
  std::vector<VerifyCell> cells_;  ///< of the file, and those of now
};

}  // namespace

std::vector<VerifyCell> sweep_cells(ServeSession& session, const TraceOptions& traces,
                                    const std::vector<VerifyQuestion>& questions, const VerifySweepOptions& options,
                                    const op::CostModel* costs, const Console& console) {
  return Sweep(session, traces, options, costs, console).run(questions);
}

}  // namespace gemmetry::cli
