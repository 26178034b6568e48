#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/statistics.h"
#include "gemmetry/study/condition.h"
#include "gemmetry/study/wording.h"

// Conditions on the course of each line of the chart: monotone, period, saturation and linear.

namespace gemmetry::study {
namespace {

/// Shares of points or steps at which a claim holds, and holds in part, where it does not state them.
constexpr double nearly_all = 0.9;
constexpr double half = 0.5;

/// How much more must be lost where x passes a multiple of a period than at three of four steps elsewhere.
constexpr double contrast = 3;
constexpr double elsewhere_quantile = 0.75;

Standing standing_of_share(double share, double enough) {
  if (share >= enough) return Standing::holds;
  return share >= half ? Standing::holds_in_part : Standing::does_not_hold;
}

/// Which way each step of a line goes: 1 up, -1 down, 0 level. A step goes the way of the stretch that it lies in, and
/// a stretch ends where y turns by more than the tolerance: noise on a rising line is no fall, many small steps down
/// are.
std::vector<int> courses(const Line& line, double tolerance) {
  std::vector<int> steps(line.size() - 1, 0);
  int course = 0;
  std::size_t begin = 0, lowest = 0, highest = 0;  // of the stretch
  const auto turn = [&](std::size_t at, std::size_t i, int to) {
    std::fill(steps.begin() + static_cast<std::ptrdiff_t>(begin), steps.begin() + static_cast<std::ptrdiff_t>(at),
              course);
    if (course != 0) begin = at;
    course = to;
    lowest = highest = i;
  };
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i].y < line[lowest].y) lowest = i;
    if (line[i].y > line[highest].y) highest = i;
    if (course != 1 && line[i].y > line[lowest].y * (1 + tolerance)) turn(lowest, i, 1);
    if (course != -1 && line[i].y * (1 + tolerance) < line[highest].y) turn(highest, i, -1);
  }
  std::fill(steps.begin() + static_cast<std::ptrdiff_t>(begin), steps.end(), course);
  return steps;
}

/// Whether x passes a multiple of the period from one stop to the next: a whole number of periods still fits.
bool passes(const PeriodCondition& condition, const Study& study, const Stop& from, const Stop& to) {
  const std::int64_t period = condition.period.value(from.point->variables);
  if (period <= 0)
    throw Error(fmt::format("study '{}': the period '{}' is {} at {} = {}; it must be positive", study.name,
                            condition.period.text(), period, study.chart.x, from.point->x));
  const auto full = [&](std::int64_t x) { return x / period + (x % period > 0); };
  return full(from.point->x) < full(to.point->x);
}

/// The straight line through points that a quarter of them may miss altogether: slope and height are medians, the
/// slope's over pairs half the points apart (Theil's incomplete method).
struct StraightLine {
  double slope = 0;
  double height = 0;  ///< at 0
};

struct Place {
  double along = 0;
  double time_s = 0;
};

StraightLine straight_line(const std::vector<Place>& rising) {
  std::vector<double> values;
  const std::size_t apart = (rising.size() + 1) / 2;
  for (std::size_t i = 0; i + apart < rising.size(); ++i) {
    const Place& a = rising[i];
    const Place& b = rising[i + apart];
    if (b.along > a.along) values.push_back((b.time_s - a.time_s) / (b.along - a.along));
  }
  StraightLine line;
  if (!values.empty()) line.slope = measure::median(values);
  values.clear();
  for (const Place& place : rising) values.push_back(place.time_s - line.slope * place.along);
  line.height = measure::median(values);
  return line;
}

/// How far each point of a line of the chart lies off a straight one, relative to its largest time. None where any
/// points would lie on one.
std::vector<double> distances(const std::vector<Sample>& line, const Expression& along) {
  std::vector<Place> places;
  std::set<double> values;
  for (const Sample& sample : line) {
    places.push_back({static_cast<double>(along.value(sample.point->variables)), sample.time_s});
    values.insert(places.back().along);
  }
  if (values.size() < 3) return {};
  std::ranges::stable_sort(places, {}, &Place::along);
  const StraightLine straight = straight_line(places);
  const double largest = std::ranges::max(places, {}, &Place::time_s).time_s;
  std::vector<double> result;
  for (const Place& place : places)
    result.push_back(std::abs(place.time_s - straight.height - straight.slope * place.along) / largest);
  return result;
}

double share_of(std::size_t part, std::size_t all) { return static_cast<double>(part) / static_cast<double>(all); }

}  // namespace

Verdict judge(const MonotoneCondition& condition, double tolerance, const Evidence& evidence) {
  const Samples samples = evidence.of(condition.of);
  const std::vector<Line> lines = lines_of(samples.known);
  if (lines.empty()) return not_tested(samples, "a course needs two at different x of one line");

  const bool up = condition.direction == Direction::up;
  std::size_t with = 0, steps = 0, nowhere = 0;
  for (const Line& line : lines) {
    steps += line.size() - 1;
    const double gain = up ? line.back().y / line.front().y : line.front().y / line.back().y;
    if (gain > 1 + tolerance)
      with += static_cast<std::size_t>(std::ranges::count(courses(line, tolerance), up ? 1 : -1));
    else
      ++nowhere;
  }
  Verdict verdict;
  verdict.merit = share_of(with, steps);
  verdict.merit_name = "share of steps";
  verdict.standing = standing_of_share(*verdict.merit, condition.share);
  verdict.points = samples.known.size();
  verdict.reason = fmt::format("{} goes {} at {} of {} in {}, {} was claimed", quantity_name(evidence.study.chart.y),
                               up ? "up" : "down", percent_text(*verdict.merit), count_text(steps, "step"),
                               count_text(lines.size(), "line"), percent_text(condition.share));
  if (nowhere > 0)
    verdict.reason +=
        fmt::format("; {} no {} than at first and count for nothing",
                    count_text(nowhere, "line") + (nowhere == 1 ? " ends" : " end"), up ? "higher" : "lower");
  verdict.reason += missing_text(samples.missing);
  return verdict;
}

Verdict judge(const PeriodCondition& condition, double, const Evidence& evidence) {
  const Samples samples = evidence.of(condition.of);
  const Study& study = evidence.study;
  const bool time = is_time(study.chart.y);
  std::vector<double> there, elsewhere;
  for (const Line& line : lines_of(samples.known))
    for (std::size_t i = 1; i < line.size(); ++i) {
      const double kept = time ? line[i - 1].y / line[i].y : line[i].y / line[i - 1].y;
      (passes(condition, study, line[i - 1], line[i]) ? there : elsewhere).push_back(1 - kept);
    }
  const std::string what = fmt::format("{} passes a multiple of {}", study.chart.x, condition.period.text());
  if (there.size() < 2 || elsewhere.size() < 2)
    return not_tested(samples, fmt::format("{} at {} of {}: a period needs two that do and two that do not", what,
                                           there.size(), count_text(there.size() + elsewhere.size(), "step")));

  const double lost = measure::median(there);
  const double usual = std::max(0.0, measure::quantile(elsewhere, elsewhere_quantile));
  Verdict verdict;
  verdict.merit = lost;
  verdict.merit_name = "median loss";
  if (lost >= condition.fall && lost >= contrast * usual)
    verdict.standing = Standing::holds;
  else if (lost >= half * condition.fall && lost > usual)
    verdict.standing = Standing::holds_in_part;
  else
    verdict.standing = Standing::does_not_hold;
  verdict.points = samples.known.size();
  verdict.reason = fmt::format(
      "{} of {} is {} where {} (median of {}), elsewhere at most {} at three of four steps; {} was claimed",
      percent_text(std::abs(lost)), time ? "speed" : quantity_name(study.chart.y), lost < 0 ? "gained" : "lost", what,
      count_text(there.size(), "step"), percent_text(usual), percent_text(condition.fall));
  verdict.reason += missing_text(samples.missing);
  return verdict;
}

Verdict judge(const SaturationCondition& condition, double tolerance, const Evidence& evidence) {
  const Samples samples = evidence.of(condition.of);
  const bool time = is_time(evidence.study.chart.y);
  std::size_t near = 0, all = 0;
  for (const Line& line : lines_of(samples.known)) {
    const double best = time ? std::ranges::min(line, {}, &Stop::y).y : std::ranges::max(line, {}, &Stop::y).y;
    Line beyond;
    std::ranges::copy_if(line, std::back_inserter(beyond), [&](const Stop& stop) {
      return stop.point->x >= condition.from.value(stop.point->variables);
    });
    if (beyond.size() < 2) continue;  // one place alone shows no level
    for (const Stop& stop : beyond) {
      const double share = time ? best / stop.y : stop.y / best;
      ++all;
      near += share * (1 + tolerance) >= 1 - condition.within;
    }
  }
  const std::string from = fmt::format("{} >= {}", evidence.study.chart.x, condition.from.text());
  if (all == 0) return not_tested(samples, fmt::format("no line has two or more at {}", from));

  Verdict verdict;
  verdict.merit = share_of(near, all);
  verdict.merit_name = "share of points";
  verdict.standing = standing_of_share(*verdict.merit, nearly_all);
  verdict.points = samples.known.size();
  verdict.reason =
      fmt::format("{} of {} at {} lie within {} of the {} {} of their line; {} was claimed", near,
                  count_text(all, "point"), from, percent_text(condition.within), time ? "lowest" : "highest",
                  quantity_name(evidence.study.chart.y), percent_text(nearly_all));
  verdict.reason += missing_text(samples.missing);
  return verdict;
}

Verdict judge(const LinearCondition& condition, double tolerance, const Evidence& evidence) {
  const Samples samples = evidence.of(condition.of);
  std::vector<double> off;
  for (const std::vector<Sample>& line : by_line(samples.known))
    std::ranges::copy(distances(line, condition.along), std::back_inserter(off));
  if (off.empty())
    return not_tested(samples, fmt::format("a straight line needs three values of {}", condition.along.text()));

  const double allowed = condition.within + tolerance;
  const auto near =
      static_cast<std::size_t>(std::ranges::count_if(off, [&](double distance) { return distance <= allowed; }));
  Verdict verdict;
  verdict.merit = std::ranges::max(off);
  verdict.merit_name = "largest distance";
  verdict.standing = near == off.size()                         ? Standing::holds
                     : share_of(near, off.size()) >= nearly_all ? Standing::holds_in_part
                                                                : Standing::does_not_hold;
  verdict.points = off.size();
  verdict.reason =
      fmt::format("time lies at most {} of the largest off a straight line over {}, {} of {} within {}; {} was claimed",
                  percent_text(*verdict.merit), condition.along.text(), near, count_text(off.size(), "point"),
                  percent_text(allowed), percent_text(condition.within));
  verdict.reason += missing_text(samples.missing);
  return verdict;
}

}  // namespace gemmetry::study
