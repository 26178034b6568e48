#include "gemmetry/op/cost_model.h"

#include <array>
#include <cmath>
#include <unordered_map>

namespace gemmetry::op {
namespace {

/// All executions of one operator in a program.
struct Summed {
  double time_s = 0;
  Cost cost;
};

using Bill = std::unordered_map<Operator, Summed, OperatorHash>;

Bill sum_by_operator(std::span<const PricedStep> steps) {
  Bill bill;
  for (const PricedStep& priced : steps) {
    Summed& summed = bill[priced.step.op];
    summed.time_s += priced.count * priced.cost.time_s;
    summed.cost = priced.cost;
  }
  return bill;
}

double total(const Bill& bill) {
  double time_s = 0;
  for (const auto& [op, summed] : bill) time_s += summed.time_s;
  return time_s;
}

/// Variance of sum(share_i * error_i) when operators of a class have one shared error each on top of their own.
class Variance {
 public:
  void add(const Cost& cost, double share) {
    shared_[static_cast<std::size_t>(cost.error_class)] += share * cost.error.shared;
    independent_ += share * share * cost.error.independent * cost.error.independent;
  }
  double value() const {
    double sum = independent_;
    for (const double shared : shared_) sum += shared * shared;
    return sum;
  }

 private:
  std::array<double, error_classes> shared_{};
  double independent_ = 0;
};

Ratio ratio_with(double value, double variance) {
  const double width = normal_90 * std::sqrt(variance);
  return {value, value * std::exp(-width), value * std::exp(width)};
}

}  // namespace

Ratio CostModel::compare(const Cost& a, const Cost& b) const {
  Variance variance;
  variance.add(b, 1);
  if (a.error_class == b.error_class) {
    // One shared error: only what the two differ by in size of it is left.
    variance = {};
    Cost difference = b;
    difference.error.shared = b.error.shared - a.error.shared;
    variance.add(difference, 1);
    Cost own = a;
    own.error.shared = 0;
    variance.add(own, 1);
  } else {
    variance.add(a, 1);
  }
  return ratio_with(b.time_s / a.time_s, variance.value());
}

Ratio CostModel::compare(std::span<const PricedStep> a, std::span<const PricedStep> b) const {
  const Bill bill_a = sum_by_operator(a);
  const Bill bill_b = sum_by_operator(b);
  const double total_a = total(bill_a);
  const double total_b = total(bill_b);
  // log(tb/ta) moves by sum(share_b e) - sum(share_a e); an operator in both has one error, with the difference of its
  // shares.
  Variance variance;
  for (const auto& [op, summed] : bill_b) {
    const auto other = bill_a.find(op);
    const double share_a = other == bill_a.end() ? 0 : other->second.time_s / total_a;
    variance.add(summed.cost, summed.time_s / total_b - share_a);
  }
  for (const auto& [op, summed] : bill_a)
    if (!bill_b.contains(op)) variance.add(summed.cost, -summed.time_s / total_a);
  return ratio_with(total_b / total_a, variance.value());
}

PricedProgram price(const Program& program, const CostModel& model) {
  PricedProgram priced;
  priced.reserve(program.steps().size());
  for (const Segment& segment : program.segments())
    for (std::size_t i = segment.first_step; i < segment.last_step; ++i)
      priced.push_back({program.steps()[i], model.cost(program.steps()[i].op), static_cast<double>(segment.repeat)});
  return priced;
}

Interval total_time(std::span<const PricedStep> steps) {
  const Bill bill = sum_by_operator(steps);
  const double time_s = total(bill);
  if (time_s <= 0) return {};
  Variance variance;
  for (const auto& [op, summed] : bill) variance.add(summed.cost, summed.time_s / time_s);
  const double width = normal_90 * std::sqrt(variance.value());
  return {time_s, time_s * std::exp(-width), time_s * std::exp(width)};
}

}  // namespace gemmetry::op
