#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "gemmetry/measure/statistics.h"
#include "gemmetry/study/condition.h"
#include "gemmetry/study/wording.h"

// Conditions that compare groups of points: ratio and ordering.

namespace gemmetry::study {
namespace {

std::string_view take_name(Take take) {
  switch (take) {
    case Take::median:
      return "median";
    case Take::mean:
      return "mean";
    case Take::lowest:
      return "lowest";
    case Take::highest:
      return "highest";
  }
  return "?";
}

double taken(Take take, const std::vector<double>& values) {
  switch (take) {
    case Take::median:
      return measure::median(values);
    case Take::mean:
      return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    case Take::lowest:
      return std::ranges::min(values);
    case Take::highest:
      return std::ranges::max(values);
  }
  return 0;
}

using Groups = std::map<std::int64_t, std::vector<double>>;

Groups groups_of(const std::vector<Sample>& samples, const Expression& by) {
  Groups groups;
  for (const Sample& sample : samples) groups[by.value(sample.point->variables)].push_back(sample.y);
  return groups;
}

/// A bound that is not 1 says on which side of 1 the ratio lies; being there at all is part of the claim.
bool on_claimed_side(const RatioCondition& condition, double ratio, double tolerance) {
  const bool above = condition.at_least && *condition.at_least > 1;
  const bool below = condition.at_most && *condition.at_most < 1;
  return (above && ratio > 1 + tolerance) || (below && ratio * (1 + tolerance) < 1);
}

bool within_bounds(const RatioCondition& condition, double ratio, double tolerance) {
  return (!condition.at_least || ratio * (1 + tolerance) >= *condition.at_least) &&
         (!condition.at_most || ratio <= *condition.at_most * (1 + tolerance));
}

Standing standing_of(const RatioCondition& condition, double ratio, double tolerance) {
  if (within_bounds(condition, ratio, tolerance)) return Standing::holds;
  return on_claimed_side(condition, ratio, tolerance) ? Standing::holds_in_part : Standing::does_not_hold;
}

std::string claimed_text(const RatioCondition& condition, double ratio, double tolerance) {
  std::string text = "nothing was claimed of it";
  if (condition.at_least && condition.at_most)
    text = fmt::format("{} to {} was claimed", *condition.at_least, *condition.at_most);
  else if (condition.at_least)
    text = fmt::format("at least {} was claimed", *condition.at_least);
  else if (condition.at_most)
    text = fmt::format("at most {} was claimed", *condition.at_most);
  const bool only_tolerated = within_bounds(condition, ratio, tolerance) && !within_bounds(condition, ratio, 0);
  return only_tolerated ? fmt::format("{} and {} is tolerated", text, percent_text(tolerance)) : text;
}

/// The ratio, what it is of, and how many points it rests on.
struct Compared {
  double ratio = 0;
  std::string name, how;
  std::size_t points = 0;
};

Compared compare_all(const RatioCondition& condition, const Samples& of, const Samples& over) {
  const std::string_view take = take_name(condition.take);
  const bool single = condition.take == Take::lowest || condition.take == Take::highest;
  return {taken(condition.take, ys(of.known)) / taken(condition.take, ys(over.known)),
          fmt::format("ratio of {}", single ? fmt::format("the {}", take) : fmt::format("{}s", take)),
          fmt::format("{} of {} over {} of {}", take, of.known.size(), take, count_text(over.known.size(), "point")),
          of.known.size() + over.known.size()};
}

/// No ratios where no value of `match` has points of both.
std::optional<Compared> compare_matched(const RatioCondition& condition, const Samples& of, const Samples& over) {
  const Groups below = groups_of(over.known, *condition.match);
  std::vector<double> ratios;
  Compared compared;
  for (const auto& [value, above] : groups_of(of.known, *condition.match)) {
    const auto partner = below.find(value);
    if (partner == below.end()) continue;
    ratios.push_back(measure::median(above) / measure::median(partner->second));
    compared.points += above.size() + partner->second.size();
  }
  if (ratios.empty()) return std::nullopt;
  const std::string_view take = take_name(condition.take);
  compared.ratio = taken(condition.take, ratios);
  compared.name = fmt::format("{} ratio", take);
  compared.how = fmt::format("{} of {} at equal {}", take, count_text(ratios.size(), "ratio"), condition.match->text());
  return compared;
}

/// How many times further along its direction a value is than one before it.
double gain(Direction direction, double from, double to) { return direction == Direction::up ? to / from : from / to; }

}  // namespace

Verdict judge(const RatioCondition& condition, double tolerance, const Evidence& evidence) {
  const Samples of = evidence.of(condition.of);
  const Samples over = evidence.of(condition.over);
  if (of.known.empty()) return not_tested(of, "a ratio needs one");
  if (over.known.empty()) return not_tested(over, "a ratio needs one to compare with");

  const std::optional<Compared> compared =
      condition.match ? compare_matched(condition, of, over) : compare_all(condition, of, over);
  if (!compared) return not_tested(of, fmt::format("none has a partner at equal {}", condition.match->text()));
  return {.standing = standing_of(condition, compared->ratio, tolerance),
          .merit = compared->ratio,
          .merit_name = compared->name,
          .reason =
              fmt::format("{} is {} times as high ({}), {}{}", quantity_name(evidence.study.chart.y),
                          number_text(compared->ratio), compared->how,
                          claimed_text(condition, compared->ratio, tolerance), missing_text(of.missing + over.missing)),
          .points = compared->points};
}

Verdict judge(const OrderingCondition& condition, double tolerance, const Evidence& evidence) {
  const Samples samples = evidence.of(condition.of);
  const Groups groups = groups_of(samples.known, condition.by);
  if (groups.size() < 2)
    return not_tested(samples, fmt::format("an order needs two values of {}", condition.by.text()));

  std::vector<std::pair<std::int64_t, double>> medians;
  for (const auto& [value, group] : groups) medians.emplace_back(value, measure::median(group));
  const auto back_by = [&](const auto& from, const auto& to) {
    return 1 / gain(condition.direction, from.second, to.second) - 1;
  };
  // Many small steps back are no better than one large one: each value is held to the furthest before it.
  std::size_t steps_back = 0;
  auto furthest = medians.front(), worst_from = medians.front(), worst_to = medians.front();
  for (std::size_t i = 1; i < medians.size(); ++i) {
    if (back_by(medians[i - 1], medians[i]) > tolerance) ++steps_back;
    if (back_by(furthest, medians[i]) > back_by(worst_from, worst_to)) worst_from = furthest, worst_to = medians[i];
    if (back_by(furthest, medians[i]) < 0) furthest = medians[i];
  }
  const std::size_t steps = medians.size() - 1;
  const auto& [first, first_y] = medians.front();
  const auto& [last, last_y] = medians.back();
  const bool arrives = gain(condition.direction, first_y, last_y) > 1 + tolerance;
  const bool inverted = back_by(worst_from, worst_to) > tolerance;

  Verdict verdict;
  verdict.standing = !arrives                  ? Standing::does_not_hold
                     : !inverted               ? Standing::holds
                     : 2 * steps_back <= steps ? Standing::holds_in_part
                                               : Standing::does_not_hold;
  verdict.merit = last_y / first_y;
  verdict.merit_name = "ratio of last to first";
  verdict.points = samples.known.size();
  verdict.reason = fmt::format("{} is {} times as high at {} = {} as at {}, with {} of {} the other way",
                               quantity_name(evidence.study.chart.y), number_text(*verdict.merit), condition.by.text(),
                               last, first, steps_back, count_text(steps, "step"));
  if (inverted)
    verdict.reason +=
        fmt::format(" and at worst {} from {} to {}", percent_text(std::abs(worst_to.second / worst_from.second - 1)),
                    worst_from.first, worst_to.first);
  verdict.reason += fmt::format("; {} was claimed{}", condition.direction == Direction::up ? "up" : "down",
                                missing_text(samples.missing));
  return verdict;
}

}  // namespace gemmetry::study
