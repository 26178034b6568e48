#include "gemmetry/calibrate/quick_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gemmetry/predict/gemm_model.h"

namespace gemmetry::calibrate {
namespace {

TEST(QuickPlan, CoversEveryClassWithFewProducts) {
  const std::vector<op::Gemm> products = quick_products({.most_flop = 2e12, .most_bytes = 1e10});
  EXPECT_EQ(products.size(), most_quick_products);
  const auto count = [&](auto is) { return std::count_if(products.begin(), products.end(), is); };
  EXPECT_GE(count([](const op::Gemm& g) { return g.batch == 1 && g.m <= 64; }), 70);
  EXPECT_GE(count([](const op::Gemm& g) { return g.batch == 1 && g.m > 64 && g.m < 1024; }), 15);
  EXPECT_GE(count([](const op::Gemm& g) { return g.batch == 1 && g.m >= 1024; }), 50);
  EXPECT_GE(count([](const op::Gemm& g) { return g.batch > 1; }), 15);
  EXPECT_GE(count([](const op::Gemm& g) { return predict::power_of_two(g) < 8; }), 15);
  EXPECT_EQ(products, quick_products({.most_flop = 2e12, .most_bytes = 1e10}));
  for (const op::Gemm& gemm : products) {
    EXPECT_LE(op::flop(gemm), 2e12);
    EXPECT_EQ(std::count(products.begin(), products.end(), gemm), 1);
  }
}

TEST(QuickPlan, KeepsToItsLimits) {
  EXPECT_EQ(quick_products({.products = 12, .most_flop = 1e11}).size(), 12u);
  EXPECT_EQ(quick_products({.products = 10000, .most_flop = 1e12}).size(), most_quick_products);
  EXPECT_TRUE(quick_products({.most_flop = 1}).empty());
  for (const op::Gemm& gemm : quick_products({.most_flop = 1e8, .most_bytes = 2e7})) EXPECT_LE(op::bytes(gemm), 2e7);
}

}  // namespace
}  // namespace gemmetry::calibrate
