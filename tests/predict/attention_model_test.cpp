#include "gemmetry/predict/attention_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using op::Attention;

gpu::Calibration calibration() {
  gpu::Calibration made_up = test::round_calibration();
  made_up.attention = {0.5, 0, 0, 0.8, 1};
  made_up.decode = {3e-6, 4e-6, 512, 0, 1, 0.8};
  return made_up;
}

AttentionModel model() { return AttentionModel(test::round_gpu(), calibration(), gpu::Clocks::burst); }

TEST(AttentionModel, ALongForwardByHand) {
  // 8 heads x 16 batches of 2048 tokens: 16 x 17 / 2 blocks a head, each 4 x 128^3 FLOP at half of 10 TFLOP/s.
  const Attention attention{16, 2048, 2048, 8, 8, 128, 128};
  const double block = 4.0 * 128 * 128 * 128 / 5e12;
  const Estimate estimate = model().estimate(attention);
  EXPECT_NEAR(estimate.tensor_time_s, 128 * 136.0 * block / 100, 0.002 * estimate.tensor_time_s);
  EXPECT_EQ(estimate.bound, op::Bound::tensor);
}

TEST(AttentionModel, OneLongTileHoldsUpAnIdleGpu) {
  // One head: 16 tiles on 100 SMs; the last sees all 2048 keys, 16 blocks.
  const Attention attention{1, 2048, 2048, 1, 1, 128, 128};
  const double block = 4.0 * 128 * 128 * 128 / 5e12;
  EXPECT_NEAR(model().estimate(attention).tensor_time_s, 16 * block, 1e-9);
}

TEST(AttentionModel, CausalHalvesAndWindowsCut) {
  Attention attention{16, 16384, 16384, 8, 8, 128, 128};
  const double causal = model().estimate(attention).tensor_time_s;
  attention.causal = false;
  EXPECT_NEAR(model().estimate(attention).tensor_time_s / causal, 2, 0.03);
  attention.causal = true;
  attention.window = 1024;
  EXPECT_NEAR(causal / model().estimate(attention).tensor_time_s, 8192.0 / 1120, 0.4);
}

TEST(AttentionModel, BackwardIsTwoAndAHalfForwardsAtItsOwnEfficiency) {
  Attention attention{16, 4096, 4096, 8, 8, 128, 128};
  const double forward = model().estimate(attention).tensor_time_s;
  attention.backward = true;
  EXPECT_NEAR(model().estimate(attention).tensor_time_s / forward, 2.5 / 0.8, 1e-9);
}

TEST(AttentionModel, HeadDimensionsArePadded) {
  EXPECT_EQ(padded_head_dim(64), 64);
  EXPECT_EQ(padded_head_dim(80), 96);
  EXPECT_EQ(padded_head_dim(1), 32);
  const Attention eighty{16, 4096, 4096, 8, 8, 80, 80};
  const Attention ninety_six{16, 4096, 4096, 8, 8, 96, 96};
  EXPECT_DOUBLE_EQ(model().estimate(eighty).tensor_time_s, model().estimate(ninety_six).tensor_time_s);
}

TEST(AttentionModel, DecodeByHand) {
  // 64 sequences x 8 KV heads, 4096 keys of 128 + 128 elements of 2 bytes at 0.8 TB/s; 512 units keep 100 SMs busy.
  const Attention attention{64, 1, 4096, 32, 8, 128, 128};
  ASSERT_TRUE(is_decode(attention));
  const Estimate estimate = model().estimate(attention);
  EXPECT_NEAR(estimate.memory_time_s, (64.0 * 8 * 4096 * 256 + 64 * 32 * 256) * 2 / 0.8e12, 1e-9);
  EXPECT_NEAR(estimate.fixed_time_s, 2e-6 + 3e-6 + 4e-6, 1e-12);
  EXPECT_EQ(estimate.bound, op::Bound::memory);
}

TEST(AttentionModel, AShortCacheLeavesSmsIdle) {
  // One sequence, 8 KV heads, 1024 keys: two parts of 512 each, 16 of 100 SMs.
  const Attention attention{1, 1, 1024, 32, 8, 128, 128};
  const double bytes = (8.0 * 1024 * 256 + 32 * 256) * 2;
  EXPECT_NEAR(model().estimate(attention).memory_time_s, bytes / (0.8e12 * 0.16), 1e-9);
}

TEST(AttentionModel, WhatCountsAsDecode) {
  EXPECT_TRUE(is_decode({1, 4, 100, 8, 8, 64, 64}));
  EXPECT_FALSE(is_decode({1, 4, 4, 8, 8, 64, 64}));
  EXPECT_FALSE(is_decode({1, 512, 8192, 8, 8, 64, 64}));
}

TEST(AttentionLeads, H200) {
  const Predictor h200 = test::burst("h200");
  // cuDNN, causal, batch 4, 2048 tokens, 20 heads of 128: 175 us.
  EXPECT_NEAR(h200.cost(Attention{4, 2048, 2048, 20, 20, 128, 128}).time_s, 175e-6, 10e-6);
  // data/measured/h200: a head dimension of 80 takes as long as one of 128, and 136 as long as 192.
  EXPECT_NEAR(test::tflops(h200, Attention{1, 16384, 16384, 20, 1, 128, 128}), 654, 65);
  EXPECT_NEAR(test::tflops(h200, Attention{1, 16384, 16384, 32, 1, 256, 256}), 733, 65);
  EXPECT_NEAR(test::tflops(h200, Attention{2, 4096, 4096, 32, 32, 64, 64}), 408, 40);
  EXPECT_NEAR(test::tflops(h200, Attention{2, 4096, 4096, 32, 32, 80, 80}), 369, 37);
  EXPECT_NEAR(test::tflops(h200, Attention{2, 4096, 4096, 32, 32, 128, 128}), 582, 50);
  EXPECT_NEAR(test::tflops(h200, Attention{2, 4096, 4096, 32, 32, 144, 144}), 468, 46);
  // FlashAttention-3 backward on H100, not causal, 16384 tokens, 16 heads of 128: 561 TFLOP/s.
  Attention backward{1, 16384, 16384, 16, 16, 128, 128};
  backward.causal = false;
  backward.backward = true;
  EXPECT_NEAR(test::tflops(test::burst("h100"), backward), 561, 85);
}

}  // namespace
}  // namespace gemmetry::predict
