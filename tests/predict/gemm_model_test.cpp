#include "gemmetry/predict/gemm_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"
#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using op::Gemm;
using op::GroupedGemm;
using op::Layout;
using shape::Dtype;

GemmModel round_model(gpu::Clocks clocks = gpu::Clocks::burst) {
  return GemmModel(test::round_gpu(), test::round_calibration(), clocks);
}

TEST(GemmModel, AProductByHand) {
  const GemmPlan plan = round_model().plan(Gemm{1, 2560, 1280, 640, Dtype::bf16});
  // 10 steps of 64; on each SM one tile of 256x128, or two of 128x128, of 2 x 256 x 128 x 64 FLOP a step at 10 TFLOP/s.
  const double sm = 10 * 4194304 / 1e13;
  // (2560 x 640 + 1280 x 640 + 2560 x 1280) x 2 bytes at 1 TB/s.
  const double memory = 11468800 / 1e12;
  EXPECT_NEAR(plan.tensor_time_s, sm, 1e-12);
  EXPECT_NEAR(plan.memory_time_s, memory, 1e-12);
  EXPECT_NEAR(plan.time_s, 13.653e-6, 0.001e-6);  // 2 us + (4.194^3 + 11.469^3)^(1/3)
  EXPECT_EQ(plan.tiles, 100 * plan.waves);
  EXPECT_DOUBLE_EQ(plan.last_wave_use, 1);
  EXPECT_DOUBLE_EQ(plan.fill, 1);
  EXPECT_EQ(plan.bound, op::Bound::memory);
}

TEST(GemmModel, AlignmentFollowsTheContiguousDimensions) {
  // nt: k of both operands and n of the result; nn: k, n, n; tn: m, n, n.
  EXPECT_EQ(power_of_two(Gemm{1, 3, 48, 80, Dtype::bf16, Layout::nt}), 16);
  EXPECT_EQ(power_of_two(Gemm{1, 3, 10922, 4096, Dtype::bf16, Layout::nt}), 2);
  EXPECT_EQ(power_of_two(Gemm{1, 3, 4096, 10922, Dtype::bf16, Layout::nn}), 2);
  EXPECT_EQ(power_of_two(Gemm{1, 3, 64, 64, Dtype::bf16, Layout::tn}), 1);
  EXPECT_EQ(power_of_two(Gemm{1, 64, 64, 3, Dtype::bf16, Layout::tn}), 64);
  // fp8 results have two bytes an element: 8 of them are as wide as 16 operands.
  EXPECT_EQ(power_of_two(Gemm{1, 64, 8, 32, Dtype::fp8, Layout::nt}), 16);
  EXPECT_EQ(power_of_two(Gemm{1, 64, 8, 32, Dtype::fp8, Layout::nn}), 8);
  EXPECT_EQ(power_of_two(GroupedGemm{8, 5, 96, 64}), 32);
  EXPECT_EQ(power_of_two(GroupedGemm{8, 5, 96, 36, Dtype::bf16, Layout::tn}), 4);
}

TEST(GemmModel, AlignmentClassesScaleTheTensorCores) {
  const GemmModel model = round_model();
  const double aligned = model.plan(Gemm{1, 8192, 8192, 8192, Dtype::bf16}).tensor_time_s;
  const GemmPlan even = model.plan(Gemm{1, 8192, 8190, 8192, Dtype::bf16});
  EXPECT_DOUBLE_EQ(even.alignment_efficiency, 0.5);
  EXPECT_EQ(even.power_of_two, 2);
  EXPECT_NEAR(even.tensor_time_s / aligned, 2, 0.01);
  EXPECT_NEAR(model.plan(Gemm{1, 8192, 8191, 8192, Dtype::bf16}).tensor_time_s / aligned, 10, 0.05);
  EXPECT_NEAR(model.plan(Gemm{1, 8191, 8192, 8192, Dtype::bf16}).tensor_time_s / aligned, 1, 0.01);  // m is free in nt
}

TEST(GemmModel, SustainedClocksLimitWhatTheTensorCoresDo) {
  const Gemm aligned{1, 8192, 8192, 8192, Dtype::bf16};
  const Gemm misaligned{1, 8192, 8190, 8192, Dtype::bf16};
  const GemmModel burst = round_model();
  const GemmModel sustained = round_model(gpu::Clocks::sustained);
  EXPECT_NEAR(sustained.plan(aligned).tensor_time_s / burst.plan(aligned).tensor_time_s, 1 / 0.8, 1e-6);
  EXPECT_NEAR(sustained.plan(misaligned).tensor_time_s / burst.plan(misaligned).tensor_time_s, 1, 1e-6);
}

TEST(GemmModel, BatchesAndExpertsFillWavesTogether) {
  const GemmModel model = round_model();
  // 100 products of one 128x128 tile on 100 SMs: 128 steps of 2 x 128 x 128 x 64 FLOP at 10 TFLOP/s.
  const GemmPlan many = model.plan(Gemm{100, 128, 128, 8192, Dtype::bf16});
  EXPECT_NEAR(many.tensor_time_s, 128 * 2097152 / 1e13, 1e-12);
  EXPECT_DOUBLE_EQ(many.fill, 1);

  const GemmPlan grouped = model.plan(GroupedGemm{100, 12800, 128, 8192});
  EXPECT_NEAR(grouped.tensor_time_s, many.tensor_time_s, 1e-12);
  const GemmPlan few = model.plan(GroupedGemm{50, 5, 128, 8192});  // five experts get a row: theirs are read
  EXPECT_NEAR(few.memory_time_s, (5 * 128 * 8192 + 5 * 8192 + 5 * 128) * 2 / 1e12, 1e-9);
}

TEST(GemmModel, DtypesHaveTheirOwnRate) {
  const GemmModel model = round_model();
  const double bf16 = model.plan(Gemm{1, 8192, 8192, 8192, Dtype::bf16}).tensor_time_s;
  EXPECT_NEAR(model.plan(Gemm{1, 8192, 8192, 8192, Dtype::fp8}).tensor_time_s / bf16, 0.5, 1e-6);
  EXPECT_NEAR(model.plan(Gemm{1, 8192, 8192, 8192, Dtype::fp32}).tensor_time_s / bf16, 20, 1e-3);
  EXPECT_THROW(model.plan(Gemm{1, 64, 64, 64, Dtype::tf32}), Error);
}

TEST(GemmModel, ErrorClasses) {
  const GemmModel model = round_model();
  const auto of = [&](const Gemm& gemm) { return error_class(gemm, model.plan(gemm)); };
  EXPECT_EQ(of({1, 8192, 4096, 4096}), op::ErrorClass::product);
  EXPECT_EQ(of({1, 16, 4096, 4096}), op::ErrorClass::thin_product);
  EXPECT_EQ(of({128, 2048, 2048, 80}), op::ErrorClass::batched_product);
  EXPECT_EQ(of({128, 2048, 2048, 82}), op::ErrorClass::misaligned_product);
  const GroupedGemm grouped{8, 1024, 512, 512};
  EXPECT_EQ(error_class(grouped, model.plan(grouped)), op::ErrorClass::batched_product);
}

// What was measured, in TFLOP/s, and how far the model may be from it.

struct Lead {
  Gemm gemm;
  double tflops;
  double tolerance;
};

void expect_near(const char* gpu, const std::vector<Lead>& leads) {
  const Predictor predictor = test::burst(gpu);
  for (const Lead& lead : leads) {
    const double predicted = test::tflops(predictor, lead.gemm);
    EXPECT_NEAR(predicted / lead.tflops, 1, lead.tolerance)
        << gpu << " " << lead.gemm.batch << " x (" << lead.gemm.m << ", " << lead.gemm.n << ", " << lead.gemm.k << ")";
  }
}

TEST(GemmLeads, H200LogitsFallOffTheCliffBelowEightElements) {
  expect_near("h200", {{{1, 8192, 51154, 4096}, 286, 0.10},
                       {{1, 8192, 51156, 4096}, 286, 0.10},
                       {{1, 8192, 51152, 4096}, 815, 0.10},
                       {{1, 8192, 51200, 4096}, 790, 0.10}});
}

TEST(GemmLeads, H200WavesOfFigure5bAreVisible) {
  // data/measured/h200.
  expect_near("h200", {{{1, 27648, 432, 4096}, 744, 0.05},
                       {{1, 27648, 448, 4096}, 707, 0.05},
                       {{1, 27648, 528, 4096}, 773, 0.05},
                       {{1, 27648, 544, 4096}, 717, 0.05}});
  const Predictor h200 = test::burst("h200");
  const auto rate = [&](std::int64_t n) { return test::tflops(h200, Gemm{1, 27648, n, 4096}); };
  EXPECT_GT(rate(432), 1.02 * rate(448));
  EXPECT_GT(rate(528), 1.02 * rate(544));
}

TEST(GemmLeads, H200AttentionProducts) {
  const auto score = [](std::int64_t d) { return Gemm{128, 2048, 2048, d, Dtype::bf16, Layout::nt}; };
  const auto over_value = [](std::int64_t d) { return Gemm{128, 2048, d, 2048, Dtype::bf16, Layout::nn}; };
  // data/measured/h200.
  expect_near("h200", {{score(64), 207, 0.1},
                       {score(72), 220, 0.1},
                       {score(80), 248, 0.1},
                       {score(96), 307, 0.1},
                       {score(100), 103, 0.1},
                       {score(112), 336, 0.1},
                       {score(128), 413, 0.1},
                       {score(160), 424, 0.1},
                       {over_value(64), 243, 0.1},
                       {over_value(80), 310, 0.1},
                       {over_value(96), 367, 0.1},
                       {over_value(100), 200, 0.1},
                       {over_value(128), 464, 0.1},
                       {over_value(160), 549, 0.1}});
}

TEST(GemmLeads, A100StaircaseAndCliff) {
  expect_near("a100", {{{1, 1024, 4096, 4096}, 165, 0.25},
                       {{1, 1792, 4096, 4096}, 195, 0.15},
                       {{1, 2560, 4096, 4096}, 276, 0.10},
                       {{1, 4096, 4096, 4096}, 250, 0.10}});
  // The paper's Fig 20a: the vocabulary as inner dimension. Its clocks were sustained; the tables' are not.
  expect_near("a100-40gb", {{{1, 8192, 14336, 51137, Dtype::fp16}, 74, 0.15},
                            {{1, 8192, 14336, 51138, Dtype::fp16}, 138, 0.35},
                            {{1, 8192, 14336, 51144, Dtype::fp16}, 227, 0.25},
                            {{1, 8192, 14336, 51152, Dtype::fp16}, 252, 0.15},
                            {{1, 8192, 14336, 51200, Dtype::fp16}, 256, 0.15}});
}

TEST(GemmLeads, DecodeReadsWeightsAtMemorySpeed) {
  // m = 1, weights over 200 MB: 83 % of the datasheet's bandwidth in H100's public tables, 80 to 88 % in H200's
  // records.
  for (const auto& [gpu, share] : {std::pair("h100", 0.81), std::pair("h200", 0.84)}) {
    const Predictor predictor = test::burst(gpu);
    const op::Cost cost = predictor.cost(Gemm{1, 1, 16384, 16384});
    EXPECT_EQ(cost.bound, op::Bound::memory);
    EXPECT_NEAR(cost.bytes / cost.time_s / predictor.gpu().bandwidth, share, 0.05) << gpu;
  }
}

}  // namespace
}  // namespace gemmetry::predict
