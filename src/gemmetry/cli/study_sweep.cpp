#include "gemmetry/cli/study_sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/sweep_report.h"
#include "gemmetry/cli/tuning.h"
#include "gemmetry/measure/axis.h"
#include "gemmetry/measure/rank.h"

namespace gemmetry::cli {
namespace {

using study::SeriesSetting;

// What a measurement takes on a GPU, with making its buffers ready: only to know how far a sweep has to be thinned.
constexpr double burst_s = 0.04;
constexpr double sustained_s = 2.5;
constexpr double tuning_s = 0.4;

/// The first choice against the best of so many, as the records of a GPU have it.
constexpr std::int64_t tuned_candidates = 8;

/// What is measured at one setting.
struct Batch {
  SeriesSetting setting;
  std::vector<op::Operator> ops;
};

std::vector<Batch> batches_of(const std::vector<StudySweep>& sweeps, const SeriesSetting& asked) {
  std::vector<Batch> batches;
  for (const StudySweep& sweep : sweeps)
    for (const study::Point& point : *sweep.points) {
      const SeriesSetting setting = study::setting_of(sweep.study->series[point.series], asked);
      auto found = std::find_if(batches.begin(), batches.end(), [&](const Batch& b) { return b.setting == setting; });
      if (found == batches.end()) found = batches.insert(batches.end(), Batch{setting, {}});
      for (const auto* work : {&point.work, &point.baseline})
        for (const study::CountedOperator& counted : *work) found->ops.push_back(counted.op);
    }
  for (Batch& batch : batches) batch.ops = measure::distinct(batch.ops);
  return batches;
}

double expected_s(const std::vector<Batch>& batches) {
  double total_s = 0;
  for (const Batch& batch : batches) {
    const double one_s = batch.setting.clocks == gpu::Clocks::sustained ? sustained_s : burst_s;
    const double tuning = batch.setting.policy == measure::Policy::tuned ? tuning_s : 0;
    total_s += static_cast<double>(batch.ops.size()) * (one_s + tuning);
  }
  return total_s;
}

/// Takes points out of every series alike until all of it fits the budget; counts them.
void thin(const std::vector<StudySweep>& sweeps, const SeriesSetting& asked, double budget_s) {
  for (int round = 0; round < 8; ++round) {
    const double wanted_s = expected_s(batches_of(sweeps, asked));
    if (wanted_s <= budget_s) return;
    for (const StudySweep& sweep : sweeps) {
      std::size_t longest = 0;
      for (std::size_t series = 0; series < sweep.study->series.size(); ++series)
        longest = std::max(longest, static_cast<std::size_t>(std::count_if(
                                        sweep.points->begin(), sweep.points->end(),
                                        [&](const study::Point& point) { return point.series == series; })));
      const auto most = static_cast<std::size_t>(std::floor(static_cast<double>(longest) * budget_s / wanted_s));
      const std::size_t before = sweep.points->size();
      *sweep.points = study::thinned(std::move(*sweep.points), std::max<std::size_t>(most, 2));
      *sweep.left_out += before - sweep.points->size();
    }
  }
}

/// The best algorithms that the table lacks. False when it was interrupted.
bool tune_first(const std::vector<op::Operator>& ops, MeasuringOptions options, const Console& console) {
  std::vector<op::Operator> products;
  for (const op::Operator& op : ops)
    if (std::holds_alternative<op::Gemm>(op)) products.push_back(op);
  options.follow(measure::Policy::first);
  MeasuringSession session(options);
  const Interrupt interrupt;
  tune(products, session, options.table(), tuned_candidates, false, interrupt, console);
  return !interrupt.requested();
}

}  // namespace

MeasuredStudies measure_studies(const std::vector<StudySweep>& sweeps, const MeasuringOptions& options,
                                const SeriesSetting& asked, const Console& console) {
  if (options.time_budget_s()) thin(sweeps, asked, *options.time_budget_s());
  MeasuredStudies result{{}, options.database().path()};
  for (Batch& batch : batches_of(sweeps, asked)) {
    MeasuringOptions own = options;
    own.follow(batch.setting.clocks, batch.setting.launch);
    if (const measure::Rank rank = own.rank(); rank.size > 1)
      batch.ops = measure::share(std::move(batch.ops), rank, own.seed());
    if (batch.setting.policy == measure::Policy::tuned && !tune_first(batch.ops, own, console)) break;
    own.follow(batch.setting.policy);
    MeasuringSession session(own);
    result.database = session.store().path();
    if (result.sections.empty()) result.sections.push_back(device_section(session.device(), nullptr));
    const measure::SweepSummary summary = run_sweep(session, own, batch.ops, console);
    report::Section section = sweep_section(summary, result.database);
    const bool stream = batch.setting.launch == measure::Replay::stream;
    section.key =
        fmt::format("sweeps.{}_{}{}", name(batch.setting.clocks), name(batch.setting.policy), stream ? "_stream" : "");
    section.title = fmt::format("Sweep, {} clocks, {} algorithm{}", name(batch.setting.clocks),
                                name(batch.setting.policy), stream ? ", launched one by one" : "");
    result.sections.push_back(std::move(section));
    if (summary.ending == measure::SweepEnding::stopped) break;
  }
  return result;
}

void add_setting(CLI::App& app, SeriesSetting& asked) {
  add_choice(app, "--clocks", asked.clocks, {gpu::Clocks::burst, gpu::Clocks::sustained},
             "of series that do not say: short runs after idle, or full load until the clock is flat");
  add_choice(app, "--algorithm", asked.policy, {measure::Policy::first, measure::Policy::tuned},
             "of series that do not say: the library's first choice, or the tuning table's");
}

}  // namespace gemmetry::cli
