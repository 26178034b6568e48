#include "gemmetry/calibrate/shape_class.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gemmetry::calibrate {
namespace {

std::string text(const op::Operator& op) { return text_of(class_of(op, gpu::Clocks::burst)); }

TEST(ShapeClass, NamesWhatErrorsDependOn) {
  EXPECT_EQ(text(op::Gemm{.m = 64, .n = 4096, .k = 4096}), "gemm bf16 burst aligned m <= 64");
  EXPECT_EQ(text(op::Gemm{.m = 65, .n = 4096, .k = 4096}), "gemm bf16 burst aligned 64 < m < 1024");
  EXPECT_EQ(text(op::Gemm{.m = 1024, .n = 512, .k = 512}), "gemm bf16 burst aligned m >= 1024");
  EXPECT_EQ(text(op::Gemm{.m = 1024, .n = 504, .k = 512}), "gemm bf16 burst aligned n or k < 512");
  EXPECT_EQ(text(op::Gemm{.m = 1024, .n = 10922, .k = 4096}), "gemm bf16 burst by 2 m >= 1024");
  EXPECT_EQ(text(op::Gemm{.m = 1024, .n = 4100, .k = 4096, .dtype = op::Dtype::tf32}),
            "gemm tf32 burst aligned m >= 1024");
  EXPECT_EQ(text(op::Gemm{.batch = 8, .m = 2048, .n = 2048, .k = 80}), "bmm bf16 burst aligned s >= 1024");
  EXPECT_EQ(text(op::Attention{.queries = 512, .keys = 512, .backward = true}),
            "attention_backward bf16 burst s < 1024");
  EXPECT_EQ(text(op::Attention{.queries = 1, .keys = 512}), "decode bf16 burst");
  EXPECT_EQ(text(op::Norm{.rows = 1, .width = 64}), "norm bf16 burst up to 1 MiB");
  EXPECT_EQ(text(op::Pointwise{.elements = 1 << 20}), "pointwise burst above 1 MiB");
}

TEST(ShapeClass, DistanceIsInOctavesOfSizes) {
  const op::Gemm a{.m = 1024, .n = 4096, .k = 4096};
  op::Gemm b = a;
  EXPECT_EQ(octaves_between(a, b), 0);
  b.m = 2048;
  b.n = 1024;
  EXPECT_DOUBLE_EQ(octaves_between(a, b), 3);
  b.layout = op::Layout::tn;
  EXPECT_TRUE(std::isinf(octaves_between(a, b)));
  EXPECT_TRUE(std::isinf(octaves_between(a, op::Norm{.rows = 1, .width = 1})));
  EXPECT_TRUE(std::isinf(
      octaves_between(op::Attention{.queries = 1, .keys = 1, .window = 4}, op::Attention{.queries = 1, .keys = 1})));
}

}  // namespace
}  // namespace gemmetry::calibrate
