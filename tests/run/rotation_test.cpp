#include "gemmetry/run/rotation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gemmetry::run {
namespace {

using shape::RotaryScaling;

shape::Model model(std::int64_t dim, double base) {
  shape::Model model;
  model.attention.rotary_dim = dim;
  model.constants.rotary_base = base;
  return model;
}

TEST(Rotation, HoldsCosineAndSineSideBySide) {
  const std::vector<float> table = rotation_table(model(4, 100), 3);
  ASSERT_EQ(table.size(), 12u);
  EXPECT_EQ(table[0], 1);
  EXPECT_EQ(table[1], 0);
  EXPECT_FLOAT_EQ(table[8], static_cast<float>(std::cos(2.0)));
  EXPECT_FLOAT_EQ(table[9], static_cast<float>(std::sin(2.0)));
  EXPECT_FLOAT_EQ(table[10], static_cast<float>(std::cos(0.2))) << "100^(-2/4) = 1/10";
}

TEST(Rotation, LinearScalingSlowsAllAngles) {
  shape::Model slow = model(4, 100);
  slow.constants.rotary_scaling = RotaryScaling{.factor = 4};
  EXPECT_FLOAT_EQ(rotation_table(slow, 5)[17], std::sin(1.0f)) << "position 4 turns as far as position 1 did";
}

TEST(Rotation, Llama3ScalingKeepsShortWavesAndStretchesLongOnes) {
  shape::Model llama = model(64, 500000);
  llama.constants.rotary_scaling = RotaryScaling{RotaryScaling::Kind::llama3, 8, 1, 4, 8192};
  const std::vector<float> scaled = rotation_table(llama, 2);
  llama.constants.rotary_scaling.reset();
  const std::vector<float> plain = rotation_table(llama, 2);
  EXPECT_EQ(scaled[64 + 1], plain[64 + 1]) << "the fastest";
  EXPECT_NEAR(scaled[64 + 63], plain[64 + 63] / 8, 1e-9) << "the slowest";
}

}  // namespace
}  // namespace gemmetry::run
