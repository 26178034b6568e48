#include "gemmetry/study/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <thread>
#include <unordered_map>

#include "gemmetry/base/error.h"
#include "gemmetry/base/parallel.h"
#include "gemmetry/measure/measured_model.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/study/model_rules.h"

namespace gemmetry::study {
namespace {

/// What one operator costs at one setting, or why that is not known.
struct Price {
  bool alone = false;  ///< the whole work of some point: then `how` is wanted too
  std::optional<op::Cost> cost;
  std::string how;
};

/// The operators that are priced at one setting, each once.
struct PriceList {
  SeriesSetting setting;
  const op::CostModel* costs = nullptr;
  std::unordered_map<op::Operator, Price, op::OperatorHash> prices;
};

/// A predictor's errors are about the operator: its GPU cannot run it. A measured model has others too, of its store
/// and its device, which no further point would survive.
bool is_about_operator(const op::CostModel& costs, const Error& error) {
  if (dynamic_cast<const measure::NoMeasurement*>(&error)) return true;
  if (dynamic_cast<const measure::DeviceLost*>(&error)) return false;
  return !dynamic_cast<const measure::MeasuredModel*>(&costs);
}

void set_price(const PriceList& list, const op::Operator& op, Price& price) {
  if (!list.costs) {
    price.how = fmt::format("no costs at {} clocks with the {} algorithm", gpu::name(list.setting.clocks),
                            measure::name(list.setting.policy));
    return;
  }
  try {
    const op::Cost cost = list.costs->cost(op);
    if (price.alone) price.how = list.costs->reason(op);
    price.cost = cost;
  } catch (const Error& error) {
    if (!is_about_operator(*list.costs, error)) throw;
    price.how = error.what();
  }
}

void set_prices(PriceList& list) {
  std::vector<std::pair<const op::Operator*, Price*>> all;
  all.reserve(list.prices.size());
  for (auto& [op, price] : list.prices) all.emplace_back(&op, &price);

  in_parallel(all.size(), std::max(std::thread::hardware_concurrency(), 1U),
              [&](std::size_t i) { set_price(list, *all[i].first, *all[i].second); });
}

/// Work with its prices, or why one of them is missing.
struct PricedWork {
  op::PricedProgram steps;
  std::string missing;
};

PricedWork priced(const std::vector<CountedOperator>& work, const PriceList& list) {
  PricedWork result;
  for (const CountedOperator& counted : work) {
    const Price& price = list.prices.at(counted.op);
    if (price.cost) {
      op::PricedStep& step = result.steps.emplace_back();
      step.step.op = counted.op;
      step.cost = *price.cost;
      step.count = counted.count;
    } else if (result.missing.empty()) {
      result.missing = price.how;
    }
  }
  return result;
}

void add_counts(const std::vector<CountedOperator>& work, Outcome& outcome) {
  for (const CountedOperator& counted : work) {
    outcome.flop += counted.count * op::flop(counted.op);
    outcome.bytes += counted.count * op::bytes(counted.op);
  }
}

Outcome outcome_of(const Point& point, const PriceList& list) {
  Outcome outcome;
  add_counts(point.work, outcome);
  const PricedWork work = priced(point.work, list), baseline = priced(point.baseline, list);
  const op::PricedProgram& steps = work.steps;
  std::string missing = point.work.empty() ? "nothing runs here" : work.missing;
  if (missing.empty()) missing = baseline.missing;
  outcome.how = missing;
  if (!missing.empty()) return outcome;
  if (point.work.size() == 1) outcome.how = list.prices.at(point.work.front().op).how;
  const op::Interval time = op::total_time(steps);
  outcome.time_s = time.value;
  outcome.time_low_s = time.low;
  outcome.time_high_s = time.high;
  if (!baseline.steps.empty()) outcome.slowdown = list.costs->compare(baseline.steps, steps);
  return outcome;
}

/// The modules' share of the whole: of the time of its steps, each timed by itself.
double share_of(const std::vector<op::Module>& modules, const measure::Execution& execution) {
  double sum = 0;
  for (const op::Module module : modules)
    if (const auto found = execution.module_s.find(module); found != execution.module_s.end()) sum += found->second;
  const double all = measure::modules_s(execution);
  return all > 0 ? sum / all : 0;
}

Outcome executed(const Point& point, const measure::Execution* execution) {
  Outcome outcome;
  add_counts(point.work, outcome);
  if (!execution || execution->status != measure::RecordStatus::ok) {
    outcome.how = execution ? execution->reason : "not executed: `gemmetry study execute` runs it";
    return outcome;
  }
  const double part = point.modules.empty() ? 1 : share_of(point.modules, *execution);
  if (part == 0) {
    outcome.how = "the part was not timed by itself";
    return outcome;
  }
  outcome.time_s = execution->measurement.median_s * part;
  outcome.time_low_s = execution->low_s * part;
  outcome.time_high_s = execution->high_s * part;
  if (!point.modules.empty()) outcome.slowdown = op::Ratio{part, part, part};
  if (const auto& slowdown = execution->slowdown) outcome.slowdown = {slowdown->value, slowdown->low, slowdown->high};
  return outcome;
}

}  // namespace

measure::Setting measured(const SeriesSetting& setting) {
  return {.clocks = setting.clocks, .policy = setting.policy, .replay = setting.launch};
}

std::vector<Outcome> outcomes_of(const Study& study, const std::vector<Point>& points,
                                 const measure::Executions& executions, const SeriesSetting& asked) {
  std::vector<Outcome> outcomes;
  outcomes.reserve(points.size());
  for (const Point& point : points) {
    const measure::Setting setting = measured(setting_of(study.series.at(point.series), asked));
    outcomes.push_back(executed(point, point.whole ? executions.find(*point.whole, setting) : nullptr));
  }
  return outcomes;
}

SeriesSetting setting_of(const Series& series, const SeriesSetting& asked) {
  return {series.clocks.value_or(asked.clocks), series.policy.value_or(asked.policy), series.launch};
}

std::optional<double> Outcome::y(Quantity quantity, double tokens) const {
  if (!time_s) return std::nullopt;
  switch (quantity) {
    case Quantity::tflops:
      return flop > 0 ? std::optional(flop / *time_s / 1e12) : std::nullopt;
    case Quantity::time:
      return time_s;
    case Quantity::bandwidth:
      return bytes > 0 ? std::optional(bytes / *time_s) : std::nullopt;
    case Quantity::time_per_token:
      return tokens > 0 ? std::optional(*time_s / tokens) : std::nullopt;
    case Quantity::slowdown:
    case Quantity::share:
      return slowdown ? std::optional(slowdown->value) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<Outcome> outcomes_of(const Study& study, const std::vector<Point>& points, const CostSource& costs,
                                 const SeriesSetting& asked) {
  std::deque<PriceList> lists;
  std::vector<PriceList*> of_series;
  for (const Series& series : study.series) {
    SeriesSetting setting = setting_of(series, asked);
    setting.chained =
        runs_whole(study) && setting.launch == measure::Replay::graph && decodes(merged(*study.model, series));
    auto list = std::ranges::find(lists, setting, &PriceList::setting);
    if (list == lists.end()) list = lists.insert(lists.end(), {setting, costs(setting), {}});
    of_series.push_back(&*list);
  }
  for (const Point& point : points) {
    PriceList& list = *of_series.at(point.series);
    for (const CountedOperator& counted : point.work) list.prices[counted.op].alone |= point.work.size() == 1;
    for (const CountedOperator& counted : point.baseline) list.prices.try_emplace(counted.op);
  }
  for (PriceList& list : lists) set_prices(list);

  std::vector<Outcome> outcomes;
  outcomes.reserve(points.size());
  for (const Point& point : points) outcomes.push_back(outcome_of(point, *of_series.at(point.series)));
  return outcomes;
}

}  // namespace gemmetry::study
