#include "gemmetry/cli/sweep_report.h"

#include <fmt/format.h>

#include "gemmetry/cli/interrupt.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using measure::SweepProgress;
using measure::SweepSummary;
using report::Column;
using report::Unit;
using report::Value;

struct Row {
  const SweepSummary& summary;
  const std::string& database;
};

using Get = std::function<std::int64_t(const SweepSummary&)>;

/// A count: in JSON and CSV always, on screen where there is anything to count.
void add_count(std::vector<Column<Row>>& columns, const char* key, const char* heading, const Get& get) {
  columns.push_back({{.key = key}, [get](const Row& r) { return Value(get(r.summary)); }});
  columns.push_back({{.heading = heading}, [get](const Row& r) {
                       const std::int64_t number = get(r.summary);
                       return number > 0 ? Value(number) : Value();
                     }});
}

Value noise(const SweepSummary& summary, const std::function<Value(const measure::NoiseFloor&)>& get) {
  return summary.noise ? get(*summary.noise) : Value();
}

std::string ending_text(const SweepSummary& summary) {
  if (summary.ending == measure::SweepEnding::complete && summary.elsewhere == 0) return "complete";
  std::string text = summary.ending == measure::SweepEnding::time_budget ? "the time budget is used up"
                     : summary.ending == measure::SweepEnding::stopped   ? "interrupted"
                                                                         : "the rest is being measured elsewhere";
  return text + (summary.left > 0 ? fmt::format(", {} left: the same command goes on", summary.left) : "");
}

std::vector<Column<Row>> summary_columns() {
  std::vector<Column<Row>> columns{
      {{.key = "database", .heading = "records in"}, [](const Row& r) { return Value(r.database); }},
      {{.key = "total", .heading = "asked for"}, [](const Row& r) { return Value(r.summary.total); }},
      {{.key = "measured", .heading = "measured"}, [](const Row& r) { return Value(r.summary.measured()); }},
  };
  add_count(columns, "present", "were there", [](const SweepSummary& s) { return s.present; });
  columns.push_back({{.key = "ok"}, [](const Row& r) { return Value(r.summary.ok); }});
  add_count(columns, "skipped", "of these skipped", [](const SweepSummary& s) { return s.skipped; });
  add_count(columns, "failed", "of these failed", [](const SweepSummary& s) { return s.failed; });
  add_count(columns, "untrusted", "of these untrusted", [](const SweepSummary& s) { return s.untrusted; });
  add_count(columns, "elsewhere", "left to other processes", [](const SweepSummary& s) { return s.elsewhere; });
  add_count(columns, "left", "left", [](const SweepSummary& s) { return s.left; });
  const std::vector<Column<Row>> others{
      {{.key = "ending"}, [](const Row& r) { return Value(std::string(name(r.summary.ending))); }},
      {{.key = "", .heading = "ended"}, [](const Row& r) { return Value(ending_text(r.summary)); }},
      {{.key = "elapsed_s", .heading = "took", .unit = Unit::seconds},
       [](const Row& r) { return Value(r.summary.elapsed_s); }},
      {{.key = "noise.operator"},
       [](const Row& r) { return noise(r.summary, [](const auto& n) { return Value(measure::text_of(n.op)); }); }},
      {{.key = "noise.before_s"},
       [](const Row& r) { return noise(r.summary, [](const auto& n) { return Value(n.before.median_s); }); }},
      {{.key = "noise.after_s"},
       [](const Row& r) {
         return noise(r.summary, [](const auto& n) { return n.after ? Value(n.after->median_s) : Value(); });
       }},
      {{.key = "noise.difference", .heading = "same product before and after", .unit = Unit::fraction},
       [](const Row& r) {
         return noise(r.summary, [](const auto& n) { return n.difference() ? Value(*n.difference()) : Value(); });
       }},
      {{.key = "noise.reason", .heading = "no noise floor because", .wrap = true},
       [](const Row& r) { return r.summary.noise_reason.empty() ? Value() : Value(r.summary.noise_reason); }},
  };
  columns.insert(columns.end(), others.begin(), others.end());
  return columns;
}

std::string progress_text(const SweepProgress& progress) {
  std::string text = fmt::format("{} of {}", progress.done, progress.total);
  if (progress.skipped > 0) text += fmt::format(", {} not ok", progress.skipped);
  if (progress.time_left_s) text += fmt::format(", {} left", report::shown(*progress.time_left_s, Unit::seconds));
  if (!progress.current.empty()) text += ": " + progress.current;
  constexpr std::size_t width = 100;
  return text.size() > width ? text.substr(0, width - 3) + "..." : text;
}

}  // namespace

SweepSummary run_sweep(MeasuringSession& session, const MeasuringOptions& options, const std::vector<op::Operator>& ops,
                       const Console& console) {
  const Interrupt interrupt;
  measure::SweepOptions sweep;
  sweep.takes = options.takes();
  sweep.seed = options.seed();
  sweep.time_budget_s = options.time_budget_s();
  sweep.retry = options.retries();
  sweep.reference = measure::usual_reference(session.device());
  sweep.progress = [&](const SweepProgress& progress) { console.progress(progress_text(progress)); };
  sweep.stop = [&] { return interrupt.requested(); };
  const SweepSummary summary = measure::sweep(session.measurer(), session.store(), ops, sweep);
  console.progress("");
  return summary;
}

report::Section sweep_section(const SweepSummary& summary, const std::string& database) {
  return {"sweep", "Sweep", report::Facts{make_table(summary_columns(), Row{summary, database})}};
}

}  // namespace gemmetry::cli
