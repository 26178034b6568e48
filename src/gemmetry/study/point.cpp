#include "gemmetry/study/point.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/study/assignments.h"
#include "gemmetry/study/model_rules.h"
#include "gemmetry/study/operator_rules.h"
#include "gemmetry/study/work.h"

namespace gemmetry::study {
namespace {

Maker maker(const Study& study, const Series& series, op::Dtype dtype) {
  if (study.op) return operator_maker(study.op->kind, merged(*study.op, series.fields), dtype);
  if (study.model) return model_maker(merged(*study.model, series), dtype);
  throw Error("it has neither an operator nor a model");
}

double flop(const Point& point) {
  double sum = 0;
  for (const CountedOperator& one : point.work) sum += one.count * op::flop(one.op);
  return sum;
}

/// The model that is executed in turns with a whole.
shape::Model baseline_of(const measure::Whole& whole, const measure::Whole& baseline) {
  if (whole.kind != measure::WholeKind::model)
    throw Error("only a whole model is executed in turns with a baseline: let part be model");
  if (whole.workload != baseline.workload)
    throw Error("what is executed in turns has one workload: let the baseline change sizes of the model alone");
  return baseline.model;
}

/// Sweeps one series.
class SeriesSweep {
 public:
  SeriesSweep(const Study& study, std::size_t index, op::Dtype dtype)
      : study_(study), series_(study.series[index]), index_(index), let_(assignments(study, series_)) {
    for (const auto& [name, formula] : series_.let) overrides_axis_ = overrides_axis_ || is_axis(study, name);
    explained([&] { make_ = maker(study, series_, dtype); });
  }

  void append_to(std::vector<Point>& points) {
    const std::size_t before = points.size();
    add_axis(0, points);
    if (points.size() == before)
      throw Error(fmt::format("study {}, series '{}': no point is left{}", study_.name, series_.label,
                              study_.where ? fmt::format(" by where = '{}'", study_.where->text()) : ""));
    if (study_.chart.y == Quantity::tflops && flop(points.back()) == 0)
      throw Error(
          fmt::format("study {}, series '{}': no FLOP are counted of what it runs, so that it has no TFLOP/s: "
                      "chart time or bandwidth",
                      study_.name, series_.label));
  }

 private:
  void add_axis(std::size_t axis, std::vector<Point>& points) {
    if (axis == study_.axes.size()) return explained([&] { add_point(points); });
    for (const std::int64_t value : study_.axes[axis].values) {
      // Anew each time: a series may have put something else in its place.
      for (std::size_t outer = 0; overrides_axis_ && outer < axis; ++outer)
        swept_[study_.axes[outer].name] = chosen_[outer];
      chosen_.resize(axis);
      chosen_.push_back(value);
      swept_[study_.axes[axis].name] = value;
      add_axis(axis + 1, points);
    }
  }

  void add_point(std::vector<Point>& points) {
    for (evaluated_ = 0; evaluated_ < let_.size(); ++evaluated_) {
      const auto& [name, formula] = let_[evaluated_];
      swept_[name] = formula.value(swept_);
    }
    if (study_.where && study_.where->value(swept_) == 0) return;
    // Where a series holds an axis still, the axis makes the same point again and again.
    if (overrides_axis_ && !seen_.insert(swept_).second) return;
    Work work = make_(swept_);
    Point point;
    point.series = index_;
    point.variables = swept_;
    const auto x = swept_.find(study_.chart.x);
    if (x == swept_.end()) throw Error(fmt::format("the chart's x = '{}' is no variable", study_.chart.x));
    point.x = x->second;
    const Chart& chart = study_.chart;
    if (chart.color) point.color = chart.color->value(swept_);
    if (chart.row) point.row = chart.row->value(swept_);
    if (chart.panel) point.panel = chart.panel->value(swept_);
    point.work = std::move(work.operators);
    point.tokens = work.tokens;
    point.baseline = std::move(work.of);
    point.modules = std::move(work.modules);
    if (!study_.baseline.empty()) {
      Work baseline = make_(baseline_variables());
      point.baseline = std::move(baseline.operators);
      if (work.whole) work.whole->baseline = baseline_of(*work.whole, *baseline.whole);
    }
    if (work.whole) point.whole = std::make_shared<const measure::Whole>(*std::move(work.whole));
    points.push_back(std::move(point));
  }

  /// The point's variables with those of the baseline in their place, and what follows from them.
  Variables baseline_variables() const {
    Variables own;
    for (const auto& [name, formula] : study_.baseline) own[name] = formula.value(swept_);
    Variables variables = swept_;
    for (const auto& [name, value] : own) variables[name] = value;
    for (const auto& [name, formula] : let_)
      if (!own.contains(name)) variables[name] = formula.value(variables);
    return variables;
  }

  /// Runs a step; what goes wrong in it gets the study and the point in front.
  template <class Step>
  void explained(Step step) const {
    try {
      step();
    } catch (const Error& problem) {
      std::string place = fmt::format("study {}, series '{}'", study_.name, series_.label);
      std::string_view link = " at ";
      for (const Sweep& axis : study_.axes)
        if (const auto found = swept_.find(axis.name); found != swept_.end())
          place += fmt::format("{}{} = {}", std::exchange(link, ", "), axis.name, found->second);
      for (std::size_t i = 0; i < evaluated_; ++i)
        if (!is_axis(study_, let_[i].first))
          place += fmt::format("{}{} = {}", std::exchange(link, ", "), let_[i].first, swept_.at(let_[i].first));
      throw Error(fmt::format("{}: {}", place, problem.what()));
    }
  }

  const Study& study_;
  const Series& series_;
  std::size_t index_;
  std::vector<std::pair<std::string, Expression>> let_;
  std::size_t evaluated_ = 0;  ///< of them, at this point
  bool overrides_axis_ = false;
  Maker make_;
  Variables swept_;
  std::vector<std::int64_t> chosen_;
  std::set<Variables> seen_;
};

}  // namespace

LineKey line_key(const Point& point) { return {point.color, point.panel, point.row}; }

std::vector<Point> points_of(const Study& study, op::Dtype dtype) {
  std::vector<Point> points;
  for (std::size_t i = 0; i < study.series.size(); ++i) SeriesSweep(study, i, dtype).append_to(points);
  return points;
}

}  // namespace gemmetry::study
