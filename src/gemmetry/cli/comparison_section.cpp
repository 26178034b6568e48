#include "gemmetry/cli/comparison_section.h"

#include <fmt/format.h>

#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/setting.h"
#include "gemmetry/cli/step_columns.h"
#include "gemmetry/measure/measured_model.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;

Value text(std::string_view words) { return std::string(words); }

/// Outside its own 90 % interval a prediction is marked.
report::Tone tone_of(const ComparedOperator& row) {
  if (!row.measured) return report::Tone::plain;
  const op::Cost& predicted = row.explained.priced.cost;
  const double time_s = row.measured->time_s;
  const bool inside = predicted.time_low_s() <= time_s && time_s <= predicted.time_high_s();
  return inside ? report::Tone::plain : report::Tone::warn;
}

const op::Step& step_of(const ComparedOperator& row) { return row.explained.priced.step; }

std::vector<Column<ComparedOperator>> operator_columns(bool passes) {
  using Row = ComparedOperator;
  std::vector<Column<Row>> columns = step_columns<Row>(step_of, passes);
  const std::vector<Column<Row>> costs{
      {{.key = "count", .heading = "count"},
       [](const Row& r) { return Value(static_cast<std::int64_t>(r.explained.priced.count)); }},
      {{.key = "predicted_time_s", .heading = "predicted", .unit = Unit::seconds, .interval = true},
       [](const Row& r) { return Value(interval(r.explained.priced.cost)); }},
      {{.key = "measured_time_s", .heading = "measured", .unit = Unit::seconds},
       [](const Row& r) { return r.measured ? Value(r.measured->time_s) : Value(); },
       tone_of},
      {{.key = "error", .heading = "error", .unit = Unit::fraction},
       [](const Row& r) {
         return r.measured ? Value(r.explained.priced.cost.time_s / r.measured->time_s - 1) : Value();
       },
       tone_of},
      {{.key = "", .heading = "rate", .unit = Unit::flop_per_s},
       [](const Row& r) {
         return r.measured && r.measured->flop > 0 ? Value(r.measured->flop / r.measured->time_s) : Value();
       }},
      {{.key = "how", .heading = "measured with", .wrap = true}, [](const Row& r) { return Value(r.how); }},
  };
  columns.insert(columns.end(), costs.begin(), costs.end());
  return columns;
}

std::vector<Column<Comparison>> sum_columns() {
  using Row = Comparison;
  const auto any = [](double Row::*member) {
    return [member](const Row& r) { return r.measured > 0 ? Value(r.*member) : Value(); };
  };
  return {
      {{.key = "operators"}, [](const Row& r) { return Value(static_cast<std::int64_t>(r.operators.size())); }},
      {{.key = "measured_operators"}, [](const Row& r) { return Value(static_cast<std::int64_t>(r.measured)); }},
      {{.key = "", .heading = "operators measured"},
       [](const Row& r) { return text(fmt::format("{} of {}", r.measured, r.operators.size())); }},
      {{.key = "predicted_time_s", .heading = "these, predicted", .unit = Unit::seconds}, any(&Row::predicted_time_s)},
      {{.key = "measured_time_s", .heading = "these, measured", .unit = Unit::seconds}, any(&Row::measured_time_s)},
      {{.key = "error", .heading = "error of the sum", .unit = Unit::fraction},
       [](const Row& r) { return r.measured > 0 ? Value(r.predicted_time_s / r.measured_time_s - 1) : Value(); }},
      {{.key = "mean_error", .heading = "mean error of one", .unit = Unit::fraction}, any(&Row::mean_error)},
      {{.key = "median_error", .heading = "median error of one", .unit = Unit::fraction}, any(&Row::median_error)},
  };
}

}  // namespace

Comparison compare_on_device(const Explanation& explained, MeasuringSession& session, const Console& console) {
  const Interrupt interrupt;
  const measure::MeasuredModel measured(session.measurer(), session.store());
  const Comparison comparison = compare(explained, measured, [&](std::size_t done, std::size_t all) {
    console.progress(fmt::format("{} of {} operators", done, all));
    return !interrupt.requested();
  });
  console.progress("");
  return comparison;
}

Comparison compare_with_recordings(const Explanation& explained, const measure::Recordings& recordings,
                                   const measure::Setting& setting) {
  return compare(explained, measure::MeasuredModel(recordings, setting), [](std::size_t, std::size_t) { return true; });
}

std::vector<report::Section> comparison_sections(const Comparison& comparison, bool one_layer) {
  const bool passes = has_passes(comparison.operators, step_of);
  return {
      {"operators", one_layer ? "One layer of each kind" : "Operators (count: times in the whole model; time: of one)",
       report::List{make_table(operator_columns(passes), comparison.operators)}},
      {"comparison", "Predicted and measured", report::Facts{make_table(sum_columns(), comparison)}}};
}

}  // namespace gemmetry::cli
