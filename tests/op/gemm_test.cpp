#include "gemmetry/op/gemm.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"

namespace gemmetry::op {
namespace {

TEST(Gemm, CountsTwoOperationsAMultiplyAdd) {
  EXPECT_DOUBLE_EQ(flop(Gemm{1, 8192, 7680, 2560}), 2.0 * 8192 * 7680 * 2560);
  EXPECT_DOUBLE_EQ(flop(Gemm{128, 2048, 2048, 80}), 2.0 * 128 * 2048 * 2048 * 80);
}

TEST(Gemm, MovesEachOperandOnce) {
  EXPECT_DOUBLE_EQ(bytes(Gemm{2, 3, 5, 7}), 2 * 2.0 * (3 * 7 + 5 * 7 + 3 * 5));
  EXPECT_DOUBLE_EQ(bytes(Gemm{1, 3, 5, 7, Dtype::fp8}), 3 * 7 + 5 * 7 + 2.0 * 3 * 5) << "fp8 results are bf16";
}

TEST(Gemm, DoesNotOverflow) {
  const std::int64_t huge = std::int64_t{1} << 40;
  EXPECT_GT(flop(Gemm{huge, huge, huge, huge}), 1e48);
  EXPECT_GT(bytes(Gemm{huge, huge, huge, huge}), 1e36);
}

TEST(GroupedGemm, ReadsEveryExpertsWeights) {
  const GroupedGemm experts{8, 1024, 28672, 4096};
  EXPECT_DOUBLE_EQ(flop(experts), 2.0 * 1024 * 28672 * 4096);
  EXPECT_DOUBLE_EQ(bytes(experts), 2.0 * (1024.0 * 4096 + 8.0 * 28672 * 4096 + 1024.0 * 28672));
}

TEST(GroupedGemm, ReadsOnlyTheExpertsThatGetARow) {
  EXPECT_DOUBLE_EQ(bytes(GroupedGemm{8, 2, 28672, 4096}), 2.0 * (2.0 * 4096 + 2.0 * 28672 * 4096 + 2.0 * 28672));
}

TEST(Layout, HasNames) {
  for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn}) EXPECT_EQ(layout_from_name(name(layout)), layout);
  try {
    layout_from_name("ntt");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "layout 'ntt' is unknown: use nt, nn, tn; did you mean 'nt'?");
  }
}

}  // namespace
}  // namespace gemmetry::op
