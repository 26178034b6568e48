#include "gemmetry/predict/power_model.h"

#include <gtest/gtest.h>

#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

/// 100 W idle, 800 W of tensor cores, 200 W of memory, a limit of 500 W, power linear in the clock.
gpu::PowerCoefficients round_power() {
  gpu::PowerCoefficients power;
  power.idle_w = 100;
  power.tensor_w = 800;
  power.memory_w = 200;
  power.exponent = 1;
  return power;
}

PowerModel model() {
  gpu::Gpu gpu = test::round_gpu();
  gpu.power_limit_w = 500;
  return {gpu, round_power()};
}

TEST(PowerModel, ClockKeepsWithinTheLimit) {
  EXPECT_DOUBLE_EQ(model().power_w({0.5, 0.25, 1}), 550);
  EXPECT_DOUBLE_EQ(model().clock({0.5, 0, 1}), 1);         // 500 W exactly
  EXPECT_DOUBLE_EQ(model().clock({1, 0, 1}), 0.5);         // 400 W left for 800
  EXPECT_DOUBLE_EQ(model().slowdown({1, 0, 1}), 2);        // all of it waits for the clock
  EXPECT_DOUBLE_EQ(model().slowdown({1, 0, 0.25}), 1.25);  // a quarter of it
  EXPECT_DOUBLE_EQ(model().slowdown({0, 1, 1}), 1);
}

TEST(PowerModel, UnknownLimitSlowsNothing) {
  gpu::Gpu gpu = test::round_gpu();
  gpu.power_limit_w.reset();
  EXPECT_DOUBLE_EQ(PowerModel(gpu, round_power()).slowdown({1, 1, 1}), 1);
}

TEST(PowerModel, ClockHasALeast) {
  gpu::Gpu gpu = test::round_gpu();
  gpu.power_limit_w = 50;  // below idle
  EXPECT_DOUBLE_EQ(PowerModel(gpu, round_power()).clock({1, 1, 1}), round_power().least_clock);
}

TEST(PowerModel, ProductsThatUseTheTensorCoresSlowDownMost) {
  gpu::Gpu gpu = test::round_gpu();
  gpu.power_limit_w = 500;
  gpu::Calibration calibration = test::round_calibration();
  calibration.power = round_power();
  const Predictor burst(gpu, test::round_node(), calibration, {gpu::Clocks::burst, Launch::graph});
  const Predictor sustained(gpu, test::round_node(), calibration, {gpu::Clocks::sustained, Launch::graph});
  const auto slowdown = [&](const op::Operator& op) {
    EXPECT_DOUBLE_EQ(sustained.structured_time(op), burst.structured_time(op));
    return sustained.cost(op).time_s / burst.cost(op).time_s;
  };
  EXPECT_NEAR(slowdown(op::Gemm{1, 12800, 12800, 12800}), 2, 0.2);
  EXPECT_NEAR(slowdown(op::Gemm{1, 1, 12800, 12800}), 1, 1e-3);
  EXPECT_DOUBLE_EQ(slowdown(op::Norm{1 << 20, 4096}), 1);
  EXPECT_LT(slowdown(op::Gemm{1, 12800, 12801, 12801}), 1.2);  // misaligned: the tensor cores wait
}

}  // namespace
}  // namespace gemmetry::predict
