#include "gemmetry/cli/study_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "gemmetry/cli/study_chart.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Tone;
using report::Unit;
using report::Value;

constexpr std::size_t shown_points = 12;  ///< of each device and series on screen

/// A point on a device.
struct Row {
  const study::Study* study;
  const study::Point* point;
  const StudyAnswer* answer;
  const study::Outcome* outcome;
};

Value known(const Row& row, double number) { return row.outcome->time_s ? Value(number) : Value(report::Unknown{}); }

/// The names a reader asks for: the axes, what the chart shows, and what formulas make of them.
std::vector<std::string> names_of(const study::Study& study) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const study::Sweep& axis : study.axes) add(axis.name);
  add(study.chart.x);
  for (const auto& [name, formula] : study.let)
    if (!formula.names().empty()) add(name);
  return names;
}

std::vector<Column<Row>> point_columns(const study::Study& study, bool several_devices) {
  std::vector<Column<Row>> columns;
  columns.push_back({{.key = "study"}, [](const Row& r) { return Value(r.study->name); }});
  columns.push_back({{.key = "device", .heading = several_devices ? "device" : "", .once = true},
                     [](const Row& r) { return Value(r.answer->device); }});
  columns.push_back({{.key = "series", .heading = study.series.size() > 1 ? "series" : "", .once = true},
                     [](const Row& r) { return Value(r.study->series[r.point->series].label); }});
  for (const std::string& name : names_of(study))
    columns.push_back({{.key = "variables." + name, .heading = name}, [name](const Row& r) {
                         const auto found = r.point->variables.find(name);
                         return found == r.point->variables.end() ? Value() : Value(found->second);
                       }});
  if (study.chart.color) {
    const std::string& title = study.chart.color_title;
    columns.push_back({{.key = "color", .heading = title.empty() ? study.chart.color->text() : title},
                       [](const Row& r) { return Value(r.point->color); }});
  }
  columns.push_back(
      {{.key = "time_s", .heading = "time", .unit = Unit::seconds, .interval = true}, [](const Row& r) {
         const study::Outcome& o = *r.outcome;
         return o.time_s ? Value(report::Interval{*o.time_s, o.time_low_s, o.time_high_s}) : Value(report::Unknown{});
       }});
  columns.push_back({{.key = "flop"}, [](const Row& r) { return known(r, r.outcome->flop); }});
  columns.push_back({{.key = "bytes"}, [](const Row& r) { return known(r, r.outcome->bytes); }});
  const study::Quantity quantity = study.chart.y;
  if (quantity == study::Quantity::slowdown)
    columns.push_back(
        {{.key = "slowdown", .heading = "slow-down", .unit = Unit::fraction, .interval = true}, [](const Row& r) {
           const auto& ratio = r.outcome->slowdown;
           return ratio ? Value(report::Interval{ratio->value - 1, ratio->low - 1, ratio->high - 1})
                        : Value(report::Unknown{});
         }});
  else if (quantity == study::Quantity::share)
    columns.push_back(
        {{.key = "share", .heading = "share", .unit = Unit::fraction, .interval = true}, [](const Row& r) {
           const auto& ratio = r.outcome->slowdown;
           return ratio ? Value(report::Interval{ratio->value, ratio->low, ratio->high}) : Value(report::Unknown{});
         }});
  else if (quantity != study::Quantity::time)
    columns.push_back({{.key = "", .heading = "rate", .unit = unit_of(quantity)}, [quantity](const Row& r) {
                         const auto y = r.outcome->y(quantity, r.point->tokens);
                         return y ? Value(quantity == study::Quantity::tflops ? *y * 1e12 : *y) : Value();
                       }});
  columns.push_back({{.key = "tflops"}, [](const Row& r) {
                       return known(r, r.outcome->time_s ? r.outcome->flop / *r.outcome->time_s * 1e-12 : 0);
                     }});
  columns.push_back({{.key = "how", .heading = "how", .wrap = true},
                     [](const Row& r) { return r.outcome->how.empty() ? Value() : Value(r.outcome->how); }});
  return columns;
}

std::vector<Row> rows_of(const study::Study& study, const std::vector<StudyAnswer>& answers) {
  std::vector<Row> rows;
  for (const StudyAnswer& answer : answers)
    for (std::size_t i = 0; i < answer.points.size(); ++i)
      rows.push_back({&study, &answer.points[i], &answer, &answer.outcomes[i]});
  return rows;
}

/// At most so many rows of each run of rows that belong together, evenly.
std::vector<Row> thinned(const std::vector<Row>& rows, std::size_t most,
                         const std::function<bool(const Row&, const Row&)>& together) {
  std::vector<Row> kept;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    while (last < rows.size() && together(rows[first], rows[last])) ++last;
    const std::size_t all = last - first;
    const std::size_t count = std::min(all, most);
    for (std::size_t i = 0; i < count; ++i) kept.push_back(rows[first + (count > 1 ? i * (all - 1) / (count - 1) : 0)]);
    first = last;
  }
  return kept;
}

}  // namespace

std::size_t StudyAnswer::missing() const {
  return static_cast<std::size_t>(
      std::count_if(outcomes.begin(), outcomes.end(), [](const study::Outcome& o) { return !o.time_s; }));
}

StudyAnswer answer(const study::Study& study, std::vector<study::Point> points, StudyDevice& device,
                   const study::SeriesSetting& asked) {
  StudyAnswer result{device.name(), device.source(), std::move(points), {}, {}, {}};
  if (const measure::Executions* executions = study::runs_whole(study) ? device.executions() : nullptr)
    result.outcomes = study::outcomes_of(study, result.points, *executions, asked);
  else
    result.outcomes = study::outcomes_of(
        study, result.points, [&](const study::SeriesSetting& setting) { return device.costs(setting); }, asked);
  result.verdicts = study::judge(study, result.points, result.outcomes, device.sms());
  return result;
}

report::Tone tone_of(study::Standing standing) {
  switch (standing) {
    case study::Standing::holds:
      return Tone::good;
    case study::Standing::holds_in_part:
      return Tone::warn;
    case study::Standing::does_not_hold:
      return Tone::bad;
    case study::Standing::not_tested:
      return Tone::faint;
  }
  return Tone::plain;
}

std::string standing_text(const std::vector<study::Verdict>& verdicts) {
  const auto count = [&](study::Standing standing) {
    return std::count_if(verdicts.begin(), verdicts.end(),
                         [&](const study::Verdict& verdict) { return verdict.standing == standing; });
  };
  std::string text = fmt::format("{} of {} hold", count(study::Standing::holds), verdicts.size());
  if (const auto part = count(study::Standing::holds_in_part)) text += fmt::format(", {} in part", part);
  if (const auto not_tested = count(study::Standing::not_tested)) text += fmt::format(", {} not tested", not_tested);
  return text;
}

report::Section study_section(const study::Study& study) {
  const std::vector<Column<study::Study>> columns{
      {{.key = "name", .heading = "study"}, [](const study::Study& s) { return Value(s.name); }},
      {{.key = "title", .heading = "title"}, [](const study::Study& s) { return Value(s.title); }},
      {{.key = "figures", .heading = "figures"}, [](const study::Study& s) { return Value(s.figures); }},
      {{.key = "source", .heading = "source"}, [](const study::Study& s) { return Value(s.source); }},
      {{.key = "notes"}, [](const study::Study& s) { return Value(s.notes); }},
  };
  return {"study", "", report::Facts{make_table(columns, study)}};
}

report::Section answers_section(const std::vector<StudyAnswer>& answers) {
  const std::vector<Column<StudyAnswer>> columns{
      {{.key = "device", .heading = "device"}, [](const StudyAnswer& a) { return Value(a.device); }},
      {{.key = "source", .heading = "source"}, [](const StudyAnswer& a) { return Value(a.source); }},
      {{.key = "points", .heading = "points"},
       [](const StudyAnswer& a) { return Value(static_cast<std::int64_t>(a.outcomes.size())); }},
      {{.key = "missing", .heading = "missing"},
       [](const StudyAnswer& a) { return Value(static_cast<std::int64_t>(a.missing())); },
       [](const StudyAnswer& a) { return a.missing() > 0 ? Tone::warn : Tone::plain; }},
      {{.key = "", .heading = "claims"},
       [](const StudyAnswer& a) { return a.verdicts.empty() ? Value() : Value(standing_text(a.verdicts)); }},
  };
  return {"devices", "Devices", report::List{make_table(columns, answers)}};
}

std::vector<report::Section> points_sections(const study::Study& study, const std::vector<StudyAnswer>& answers) {
  const std::vector<Column<Row>> columns = point_columns(study, answers.size() > 1);
  const std::vector<Row> rows = rows_of(study, answers);
  const std::vector<Row> few = thinned(rows, shown_points, [](const Row& a, const Row& b) {
    return a.answer == b.answer && a.point->series == b.point->series;
  });
  const std::string title =
      few.size() < rows.size() ? fmt::format("Points, {} of {}", few.size(), rows.size()) : std::string("Points");
  return {{"points", "", report::List{make_table(columns, rows)}, false},
          {"", title, report::List{make_table(columns, few)}}};
}

report::Table points_table(const study::Study& study, const std::vector<StudyAnswer>& answers, std::size_t most) {
  return make_table(
      point_columns(study, answers.size() > 1),
      thinned(rows_of(study, answers), most, [](const Row& a, const Row& b) { return a.answer == b.answer; }));
}

std::string show_command(const std::string& named, const std::string& device, std::optional<std::int64_t> points,
                         const study::SeriesSetting& asked) {
  std::string command = fmt::format("gemmetry study show {} --device {}", named, device);
  if (points) command += fmt::format(" --points {}", *points);
  const study::SeriesSetting usual;
  if (asked.clocks != usual.clocks) command += fmt::format(" --clocks {}", name(asked.clocks));
  if (asked.policy != usual.policy) command += fmt::format(" --algorithm {}", name(asked.policy));
  return command;
}

report::Section claims_section(const std::vector<JudgedClaim>& claims) {
  const std::vector<Column<JudgedClaim>> columns{
      {{.key = "study", .heading = "study", .once = true}, [](const JudgedClaim& c) { return Value(c.study->name); }},
      {{.key = "figures"}, [](const JudgedClaim& c) { return Value(c.study->figures); }},
      {{.key = "device", .heading = "device"}, [](const JudgedClaim& c) { return Value(c.device); }},
      {{.key = "id", .heading = "claim"}, [](const JudgedClaim& c) { return Value(c.verdict.claim->id); }},
      {{.key = "verdict", .heading = "verdict"},
       [](const JudgedClaim& c) { return Value(std::string(name(c.verdict.standing))); },
       [](const JudgedClaim& c) { return tone_of(c.verdict.standing); }},
      {{.key = "merit"},
       [](const JudgedClaim& c) { return c.verdict.merit ? Value(*c.verdict.merit) : Value(report::Unknown{}); }},
      {{.key = "merit_name"}, [](const JudgedClaim& c) { return Value(c.verdict.merit_name); }},
      {{.key = "points"}, [](const JudgedClaim& c) { return Value(static_cast<std::int64_t>(c.verdict.points)); }},
      {{.key = "text"}, [](const JudgedClaim& c) { return Value(c.verdict.claim->text); }},
      {{.key = "reason"}, [](const JudgedClaim& c) { return Value(c.verdict.reason); }},
      {{.key = "", .heading = "why", .wrap = true},
       [](const JudgedClaim& c) { return Value(fmt::format("{} ({})", c.verdict.claim->text, c.verdict.reason)); }},
      {{.key = "command"}, [](const JudgedClaim& c) { return Value(c.command); }},
  };
  return {"claims", "Claims", report::List{make_table(columns, claims)}};
}

}  // namespace gemmetry::cli
