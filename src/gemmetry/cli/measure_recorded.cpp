#include "gemmetry/cli/measure_recorded.h"

#include <fmt/format.h>

#include "gemmetry/cli/device_section.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/cli/record_columns.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Value;

/// An operator that has no record.
struct Missing {
  op::Operator op;
  std::string reason;
};

/// What was asked for and what became of it.
struct Sums {
  std::int64_t asked = 0;
  std::int64_t found = 0;
  std::int64_t missing = 0;
  std::string estimate;  ///< the command that predicts what is missing
};

constexpr std::size_t most_on_screen = 20;

std::vector<Column<Missing>> missing_columns() {
  std::vector<Column<Missing>> columns{
      {{.heading = "operator"}, [](const Missing& m) { return Value(measure::text_of(m.op)); }},
      {{.key = "kind"}, [](const Missing& m) { return Value(std::string(kind(m.op))); }},
  };
  for (const Column<op::Operator>& field : field_columns())
    columns.push_back({field.info, [get = field.get](const Missing& m) { return get(m.op); }});
  columns.push_back(
      {{.key = "reason", .heading = "why", .wrap = true}, [](const Missing& m) { return Value(m.reason); }});
  return columns;
}

std::vector<Column<Sums>> sum_columns() {
  return {
      {{.key = "asked", .heading = "asked for"}, [](const Sums& s) { return Value(s.asked); }},
      {{.key = "found", .heading = "recorded"}, [](const Sums& s) { return Value(s.found); }},
      {{.key = "missing", .heading = "not recorded"},
       [](const Sums& s) { return Value(s.missing); },
       [](const Sums& s) { return s.missing > 0 ? report::Tone::warn : report::Tone::plain; }},
      {{.key = "estimate", .heading = "estimated by"},
       [](const Sums& s) { return s.estimate.empty() ? Value() : Value(s.estimate); }},
  };
}

std::string estimate_command(const std::vector<Missing>& missing, const measure::Setting& setting,
                             const std::string& gpu) {
  if (missing.empty() || gpu.empty()) return "";
  const std::string where = fmt::format(" --gpu {} --clocks {}", gpu, gpu::name(setting.clocks));
  const auto* gemm = std::get_if<op::Gemm>(&missing.front().op);
  if (missing.size() > 1 || !gemm)
    return fmt::format("gemmetry predict {} --from FILE.csv{}", kind(missing.front().op), where);
  return fmt::format("gemmetry gemm {} {} {} --batch {} --layout {} --dtype {}{}", gemm->m, gemm->n, gemm->k,
                     gemm->batch, op::name(gemm->layout), shape::name(gemm->dtype), where);
}

/// All of them in JSON, the first on screen.
void add_sections(report::Document& document, const std::vector<Missing>& missing) {
  const bool all = missing.size() <= most_on_screen;
  document.sections.push_back(
      {"missing", "Not recorded", report::List{make_table(missing_columns(), missing)}, all && !missing.empty()});
  if (all) return;
  const std::vector<Missing> first(missing.begin(), missing.begin() + most_on_screen);
  const std::string title = fmt::format("Not recorded, the first {} of {} (--format json has all)", most_on_screen,
                                        report::grouped(static_cast<std::int64_t>(missing.size())));
  document.sections.push_back({"", title, report::List{make_table(missing_columns(), first)}});
}

}  // namespace

RecordedAnswer answer(const measure::Recordings& recordings, const measure::Setting& setting,
                      const std::vector<op::Operator>& ops) {
  std::vector<measure::Record> found;
  std::vector<Missing> missing;
  for (const op::Operator& op : ops)
    if (const measure::Record* record = recordings.find(op, setting))
      found.push_back(*record);
    else
      missing.push_back({op, recordings.why_missing(op, setting)});
  const Sums sums{static_cast<std::int64_t>(ops.size()), static_cast<std::int64_t>(found.size()),
                  static_cast<std::int64_t>(missing.size()),
                  estimate_command(missing, setting, recordings.device().gpu)};
  RecordedAnswer answer;
  answer.code = missing.empty() ? exit_ok : exit_finding;
  answer.document.csv = "records";
  answer.document.sections = {
      device_section(recordings, setting),
      {"records", "Records", report::List{make_table(record_columns(false), found)}, !found.empty()},
      {"recorded", "Recorded", report::Facts{make_table(sum_columns(), sums)}}};
  add_sections(answer.document, missing);
  return answer;
}

}  // namespace gemmetry::cli
