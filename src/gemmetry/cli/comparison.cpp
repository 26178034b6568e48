#include "gemmetry/cli/comparison.h"

#include <algorithm>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/measured_model.h"
#include "gemmetry/measure/statistics.h"

namespace gemmetry::cli {

Comparison compare(const Explanation& explained, const op::CostModel& measured,
                   const std::function<bool(std::size_t, std::size_t)>& before) {
  Comparison comparison;
  std::vector<double> errors;
  for (const ExplainedOperator& row : explained.operators) {
    ComparedOperator& compared = comparison.operators.emplace_back(ComparedOperator{row, std::nullopt, "interrupted"});
    if (!before(comparison.operators.size() - 1, explained.operators.size())) continue;
    try {
      compared.measured = measured.cost(row.priced.step.op);
      compared.how = measured.reason(row.priced.step.op);
    } catch (const measure::NoMeasurement& problem) {
      compared.how = problem.what();
      continue;
    }
    const double predicted_s = row.priced.cost.time_s;
    const double measured_s = compared.measured->time_s;
    comparison.predicted_time_s += row.priced.count * predicted_s;
    comparison.measured_time_s += row.priced.count * measured_s;
    errors.push_back(std::abs(predicted_s / measured_s - 1));
  }
  comparison.measured = errors.size();
  if (errors.empty()) return comparison;
  for (const double error : errors) comparison.mean_error += error / static_cast<double>(errors.size());
  comparison.median_error = measure::median(errors);
  return comparison;
}

}  // namespace gemmetry::cli
