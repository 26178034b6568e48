#include "gemmetry/predict/chain_model.h"

#include <gtest/gtest.h>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::predict {
namespace {

op::Gemm linear(std::int64_t m, std::int64_t n, std::int64_t k) {
  op::Gemm gemm;
  gemm.m = m;
  gemm.n = n;
  gemm.k = k;
  return gemm;
}

op::Attention over_cache(std::int64_t batch, std::int64_t keys, std::int64_t head_dim) {
  op::Attention attention;
  attention.batch = batch;
  attention.queries = 1;
  attention.keys = keys;
  attention.heads = attention.kv_heads = 8;
  attention.head_dim = attention.value_dim = head_dim;
  return attention;
}

gpu::ChainCoefficients round_chain() {
  gpu::ChainCoefficients chain;
  chain.row_start_s = 1e-6;
  chain.norm_start_s = 2e-6;
  chain.vector_depth_s = 1e-9;
  chain.vector_second_row = 0.5;
  chain.attention_start_s = 4e-6;
  chain.attention_combine_s = 3e-6;
  chain.attention_padding = 0.5;
  chain.cluster_start_s = 5e-6;
  chain.cluster_round_s = 1e-6;
  chain.cluster_head = 0.5;
  chain.cluster_load = 2;
  return chain;
}

const gpu::Gpu h200 = gpu::load_gpu("h200");
const ChainModel model(h200, round_chain());

TEST(ChainModel, AFewRowsOfAProductReadTheMatrixOnce) {
  const op::Gemm one = linear(1, 4096, 4096);
  const double reading_s = op::bytes(one) / h200.bandwidth;
  EXPECT_DOUBLE_EQ(model.estimate(one)->time_s, 4.096e-6 + reading_s);
  const op::Gemm two = linear(2, 4096, 4096);
  EXPECT_DOUBLE_EQ(model.estimate(two)->time_s, 4.096e-6 + 1.5 * op::bytes(two) / h200.bandwidth);
  EXPECT_FALSE(model.estimate(linear(3, 4096, 4096)));
  const op::Gemm uneven = linear(1, 4096, 2560);  // a block takes 2048 elements of a row at once
  EXPECT_DOUBLE_EQ(model.estimate(uneven)->time_s, 4.096e-6 + op::bytes(uneven) / h200.bandwidth);
  op::Gemm transposed = one;
  transposed.layout = op::Layout::nn;
  EXPECT_FALSE(model.estimate(transposed));
}

TEST(ChainModel, RowsTakeAStartAndTheirBytes) {
  const op::Norm norm{4, 1024, shape::NormKind::rms_norm, false, shape::Dtype::bf16};
  EXPECT_DOUBLE_EQ(model.estimate(norm)->time_s, 2e-6 + op::bytes(norm) / h200.bandwidth);
  EXPECT_EQ(model.estimate(norm)->bound, op::Bound::launch);
}

TEST(ChainModel, WhatOtherKernelsDoTakesItsBytes) {
  op::Residual sum;
  sum.rows = 1;
  sum.width = 1024;
  EXPECT_DOUBLE_EQ(model.estimate(sum)->time_s, op::bytes(sum) / h200.bandwidth);
  op::Activation gelu;
  gelu.rows = 2;
  gelu.width = 4096;
  EXPECT_DOUBLE_EQ(model.estimate(gelu)->time_s, op::bytes(gelu) / h200.bandwidth);
  gelu.rows = 3;  // the library's products do not
  EXPECT_DOUBLE_EQ(model.estimate(gelu)->time_s, 1e-6 + op::bytes(gelu) / h200.bandwidth);
}

TEST(ChainModel, ACacheIsCutWhereThatFillsTheSms) {
  EXPECT_EQ(cache_parts(over_cache(1, 200, 128), 132), 1);
  EXPECT_EQ(cache_parts(over_cache(1, 1024, 128), 132), 4);
  EXPECT_EQ(cache_parts(over_cache(33, 4096, 128), 132), 1);  // 264 blocks, two an SM
  const op::Attention whole = over_cache(33, 4096, 128);
  EXPECT_NEAR(model.estimate(whole)->time_s, 4e-6 + op::bytes(whole) / h200.bandwidth, 1e-8);
  const op::Attention cut = over_cache(4, 8192, 128);
  EXPECT_NEAR(model.estimate(cut)->time_s, 7e-6 + op::bytes(cut) / h200.bandwidth, 1e-8);
  const op::Attention padded = over_cache(33, 4096, 96);
  EXPECT_NEAR(model.estimate(padded)->time_s, 4e-6 + op::bytes(padded) / h200.bandwidth * (1 + 0.5 / 3), 1e-8);
  op::Attention many = over_cache(1, 1024, 128);
  many.queries = 1024;
  EXPECT_FALSE(model.estimate(many));
}

TEST(ChainModel, AQueryOverLittleIsServedByClusters) {
  const auto fixed_s = [](const op::Attention& a) {
    const double padding = a.head_dim == 96 ? 1 + 0.5 / 3 : 1;
    return model.estimate(a)->time_s - op::bytes(a) / h200.bandwidth * padding;
  };
  EXPECT_NEAR(fixed_s(over_cache(1, 100, 128)), 5e-6 + 1e-6 * (1 + 2 * 8 / 132.0), 1e-10);
  EXPECT_NEAR(fixed_s(over_cache(1, 1024, 128)), 5e-6 + 1e-6 * (1 + 2 * 64 / 132.0), 1e-10);
  EXPECT_NEAR(fixed_s(over_cache(1, 1025, 96)), 5e-6 + 2e-6 * (1 + 2 * 64 / 132.0), 1e-10);
  op::Attention grouped = over_cache(1, 256, 64);
  grouped.kv_heads = 2;  // four heads each: half as many keys at a time
  EXPECT_NEAR(fixed_s(grouped), 5e-6 + 1e-6 * 2.5 * (1 + 2 * 4 / 132.0), 1e-10);
  op::Attention windowed = over_cache(1, 4096, 128);
  windowed.window = 1024;  // the query's own key is one of them
  EXPECT_NEAR(fixed_s(windowed), 5e-6 + 1e-6 * (1 + 2 * 64 / 132.0), 1e-10);
  EXPECT_GT(fixed_s(over_cache(1, 100, 100)), 4e-6 - 1e-10);
  EXPECT_LT(fixed_s(over_cache(1, 100, 100)), 5e-6);  // no whole packs: not by clusters
}

TEST(ChainModel, OnlyAChainIsPricedAsOne) {
  const op::Gemm one = linear(1, 4096, 4096);
  const auto time = [&](const std::string& gpu, Launch launch) {
    return Predictor::for_gpu(gpu, {gpu::Clocks::burst, launch}).cost(one).time_s;
  };
  EXPECT_LT(time("h200", Launch::chain), time("h200", Launch::graph));
  EXPECT_EQ(time("a100", Launch::chain), time("a100", Launch::graph));  // not calibrated there
}

}  // namespace
}  // namespace gemmetry::predict
