#include "gemmetry/op/cost_model.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gemmetry::op {
namespace {

/// One second a 1e12 FLOP, with fixed uncertainties.
class Fixed final : public CostModel {
 public:
  Cost cost(const Operator& op) const override {
    Cost cost;
    cost.time_s = flop(op) / 1e12;
    cost.error = {0.10, 0.02};
    cost.error_class = std::holds_alternative<Attention>(op) ? ErrorClass::attention : ErrorClass::product;
    return cost;
  }
  std::string reason(const Operator&) const override { return "fixed"; }
  std::string source() const override { return "fixed"; }
};

PricedStep priced(const Operator& op, double count = 1) {
  PricedStep step;
  step.step.op = op;
  step.cost = Fixed().cost(op);
  step.count = count;
  return step;
}

const Gemm small{1, 1000, 1000, 1000};
const Gemm large{1, 1000, 1000, 1030};

TEST(Cost, IntervalCoversNinetyPerCent) {
  const Cost cost = Fixed().cost(small);
  EXPECT_NEAR(cost.time_high_s() / cost.time_s, std::exp(1.6448536 * std::hypot(0.10, 0.02)), 1e-12);
  EXPECT_LT(cost.time_low_s(), cost.time_s);
}

TEST(CostModel, TellsThreePerCentApartThoughTimesAreKnownToTen) {
  const Fixed model;
  const Ratio ratio = model.compare(model.cost(small), model.cost(large));
  EXPECT_NEAR(ratio.value, 1.03, 1e-12);
  EXPECT_NEAR(ratio.high / ratio.value, std::exp(1.6448536 * std::hypot(0.02, 0.02)), 1e-9)
      << "the shared error cancels";
}

TEST(CostModel, EqualOperatorsCancel) {
  const Fixed model;
  const PricedProgram a{priced(small, 10), priced(large)};
  const PricedProgram same{priced(large), priced(small, 4), priced(small, 6)};
  const Ratio ratio = model.compare(a, same);
  EXPECT_NEAR(ratio.value, 1, 1e-12);
  EXPECT_NEAR(ratio.low, 1, 1e-9);
  EXPECT_NEAR(ratio.high, 1, 1e-9);
}

TEST(CostModel, ClassesDoNotCancel) {
  const Fixed model;
  Attention attention;
  attention.queries = attention.keys = 1000;
  const PricedProgram products{priced(small)};
  const PricedProgram attended{priced(attention)};
  const Ratio ratio = model.compare(products, attended);
  EXPECT_NEAR(ratio.high / ratio.value, std::exp(1.6448536 * std::sqrt(2 * (0.01 + 0.0004))), 1e-9);
}

TEST(TotalTime, SharedErrorsAddUpAndIndependentOnesCancelInPart) {
  std::vector<PricedStep> steps;
  for (std::int64_t i = 0; i < 100; ++i) steps.push_back(priced(Gemm{1, 1000, 1000, 1000 + i}));
  const Interval total = total_time(steps);
  const double width = std::log(total.high / total.value) / 1.6448536;
  EXPECT_NEAR(width, std::hypot(0.10, 0.002), 1e-4);
  EXPECT_EQ(total_time({}).value, 0);
}

}  // namespace
}  // namespace gemmetry::op
