#pragma once

#include <span>
#include <string>
#include <vector>

#include "gemmetry/op/cost.h"
#include "gemmetry/op/operator.h"
#include "gemmetry/op/program.h"

namespace gemmetry::op {

/// An operator with its cost and how often it runs.
struct PricedStep {
  Step step;
  Cost cost;
  double count = 1;
};

/// A program with the cost of each step.
using PricedProgram = std::vector<PricedStep>;

/// A ratio of two times with its 90 % interval.
struct Ratio {
  double value = 1;
  double low = 1;
  double high = 1;
};

/// A time with its 90 % interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// What an operator costs: predicted or measured, the caller need not know. Implementations are safe to use from
/// several threads.
class CostModel {
 public:
  virtual ~CostModel() = default;

  /// Cost of one execution. Error if the operator cannot run on this GPU (its dtype is unknown there).
  virtual Cost cost(const Operator& op) const = 0;

  /// One line in words: why the operator costs that.
  virtual std::string reason(const Operator& op) const = 0;

  /// What stands behind the numbers: GPU, clocks and calibration or records.
  virtual std::string source() const = 0;

  /// Interval of time(b) / time(a) of two single costs: the shared error of a common class cancels.
  virtual Ratio compare(const Cost& a, const Cost& b) const;

  /// The same of two programs: equal operators cancel altogether, shared errors by class.
  virtual Ratio compare(std::span<const PricedStep> a, std::span<const PricedStep> b) const;
};

/// Prices every step of a program.
PricedProgram price(const Program& program, const CostModel& model);

/// Sum of the steps' times with its interval: shared errors of a class add up, independent ones of distinct operators
/// partly cancel, different classes are taken as independent.
Interval total_time(std::span<const PricedStep> steps);

}  // namespace gemmetry::op
