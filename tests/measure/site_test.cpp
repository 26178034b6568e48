#include "gemmetry/measure/site.h"

#include <gtest/gtest.h>

#include "gemmetry/op/kinds.h"

namespace gemmetry::measure {
namespace {

using op::Gemm;
using op::Layout;
using shape::Dtype;

TEST(Site, OfALayerIsThatOfItsGradientsInEveryDtype) {
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp8, Dtype::fp32}) {
    EXPECT_EQ(site_of(Gemm{1, 512, 11008, 4096, dtype, Layout::nt}), "gemm 4096 11008");
    EXPECT_EQ(site_of(Gemm{1, 512, 4096, 11008, dtype, Layout::nn}), "gemm 4096 11008");
    EXPECT_EQ(site_of(Gemm{1, 11008, 4096, 512, dtype, Layout::tn}), "gemm 4096 11008");
  }
  EXPECT_EQ(site_of(Gemm{1, 1, 4096, 11008, Dtype::bf16, Layout::nt, op::Epilogue::gelu}), "gemm 4096 11008");
}

TEST(Site, OfBatchedProductsIsHeadDimensionAndBatch) {
  EXPECT_EQ(site_of(Gemm{128, 2048, 2048, 64, Dtype::bf16, Layout::nt}), "bmm 64 128");
  EXPECT_EQ(site_of(Gemm{128, 2048, 64, 2048, Dtype::bf16, Layout::nn}), "bmm 64 128");
  EXPECT_EQ(site_of(Gemm{128, 2048, 64, 2048, Dtype::fp16, Layout::tn}), "bmm 64 128");
}

TEST(Site, OfEachKind) {
  EXPECT_EQ(site_of(op::GroupedGemm{64, 4096, 1408, 2048}), "grouped_gemm 1408 2048");
  EXPECT_EQ(site_of(op::GroupedGemm{64, 4096, 2048, 1408, Dtype::bf16, Layout::nn}), "grouped_gemm 1408 2048");
  EXPECT_EQ(site_of(op::GroupedGemm{64, 4096, 1408, 2048, Dtype::bf16, Layout::tn}), "grouped_gemm 1408 2048");
  EXPECT_EQ(site_of(op::Attention{4, 1, 8192, 32, 8, 128, 128}), "attention 128 32");
  EXPECT_EQ(site_of(op::Norm{16, 4096}), "norm 4096");
  EXPECT_EQ(site_of(op::Softmax{16, 2048}), "softmax 2048");
  EXPECT_EQ(site_of(op::Activation{16, 11008}), "activation 11008");
  EXPECT_EQ(site_of(op::Rotary{16, 40, 128}), "rotary 128 40");
  EXPECT_EQ(site_of(op::Residual{16, 4096}), "residual 4096");
  EXPECT_EQ(site_of(op::Embedding{16, 4096}), "embedding 4096");
  EXPECT_EQ(site_of(op::CrossEntropy{16, 32000}), "cross_entropy 32000");
  EXPECT_EQ(site_of(op::Optimizer{1 << 20}), "optimizer 1048576");
  EXPECT_EQ(site_of(op::Pointwise{op::Function::copy, 16384}), "pointwise 16384");
  EXPECT_EQ(site_of(op::Collective{op::CollectiveKind::all_reduce, 8, 1e18}), "collective 1000000000000000000");
}

TEST(Site, LeavesOutWhatGrowsWithTokensAndTheDtype) {
  EXPECT_EQ(site_of(op::Norm{16, 4096}),
            site_of(op::Norm{1 << 20, 4096, shape::NormKind::rms_norm, true, Dtype::fp32}));
  EXPECT_EQ(site_of(op::Attention{1, 1, 128, 32, 8}), site_of(op::Attention{8, 2048, 2048, 32, 32}));
}

/// Whoever changes these holds out other shapes than the records on file say.
TEST(Site, HashIsFixedForEver) {
  EXPECT_EQ(site_hash(""), 0xf52a15e9a9b5e89bu);
  EXPECT_EQ(site_hash("gemm 4096 11008"), 0x781f50479a838073u);
  EXPECT_EQ(site_hash("gemm 4096 4096"), 0xb04934971acb7415u);
  EXPECT_EQ(site_hash("bmm 64 128"), 0x4edcfe5aa6d848a4u);
  EXPECT_TRUE(is_held_out(Gemm{1, 512, 11008, 4096}));
  EXPECT_FALSE(is_held_out(Gemm{1, 512, 4096, 4096}));
  EXPECT_TRUE(is_held_out(Gemm{128, 2048, 2048, 64}));
  EXPECT_FALSE(is_held_out(Gemm{64, 2048, 2048, 128}));
  EXPECT_TRUE(is_held_out(op::Attention{4, 1, 8192, 32, 8, 128, 128}));
  EXPECT_FALSE(is_held_out(op::Norm{16, 4096}));
  EXPECT_TRUE(is_held_out(op::Optimizer{1 << 20}));
}

TEST(Site, AFifthIsHeldOut) {
  int all = 0, held_out = 0;
  for (std::int64_t n = 128; n < 8192; n += 128)
    for (std::int64_t k = n; k < 8192; k += 128, ++all) held_out += is_held_out(Gemm{1, 1, n, k});
  EXPECT_NEAR(held_out, all / 5.0, all / 50.0);
  held_out = 0;
  for (std::int64_t width = 1; width <= 10000; ++width) held_out += is_held_out(op::Norm{1, width});
  EXPECT_NEAR(held_out, 2000, 120);
}

}  // namespace
}  // namespace gemmetry::measure
