#include "gemmetry/gpu/gpu.h"

#include <gtest/gtest.h>

#include <string>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"

namespace gemmetry::gpu {
namespace {

using shape::Dtype;

TEST(PeakFlops, IsThatOfTheTensorUnits) {
  EXPECT_DOUBLE_EQ(peak_flops(load_gpu("h200"), Dtype::bf16), 989.4e12);
  EXPECT_DOUBLE_EQ(peak_flops(load_gpu("v100"), Dtype::fp16), 125e12);
}

TEST(PeakFlops, OfFp32IsThatOfTheVectorUnitsUnlessThereAreMatrixUnitsForIt) {
  EXPECT_DOUBLE_EQ(peak_flops(load_gpu("a100"), Dtype::fp32), 19.5e12);
  EXPECT_DOUBLE_EQ(peak_flops(load_gpu("mi250x"), Dtype::fp32), 47.85e12);
}

TEST(PeakFlops, RefusesADtypeTheGpuCannotMultiplyAndNamesThoseItCan) {
  try {
    peak_flops(load_gpu("v100-sxm2-16gb"), Dtype::bf16);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "GPU 'v100-sxm2-16gb' cannot multiply bf16: use one of fp16, fp32");
  }
  EXPECT_THROW(peak_flops(load_gpu("a100"), Dtype::fp8), Error);
}

TEST(Alignment, ClassIsTheLastThatDivides) {
  const Gpu a100 = load_gpu("a100");
  EXPECT_EQ(alignment_class(a100, Dtype::fp16, 1).elements, 1);
  EXPECT_EQ(alignment_class(a100, Dtype::fp16, 8).elements, 8);
  EXPECT_EQ(alignment_class(a100, Dtype::fp16, 4096).elements, 16);
  EXPECT_LT(alignment_class(a100, Dtype::fp16, 1).efficiency, 0.3);
  EXPECT_DOUBLE_EQ(alignment_class(a100, Dtype::fp16, 64).efficiency, 1);
}

TEST(Alignment, CliffIsAtEightElementsOfTwoBytesNotAt64) {
  for (const char* name : {"a100", "h100", "h200", "v100"})
    EXPECT_EQ(alignment_threshold(load_gpu(name), Dtype::fp16), 8);
}

TEST(Alignment, ThresholdIsSixteenBytesForTheOtherSizes) {
  const Gpu h200 = load_gpu("h200");
  EXPECT_EQ(alignment_threshold(h200, Dtype::fp8), 16);
  EXPECT_EQ(alignment_threshold(h200, Dtype::tf32), 4);
}

TEST(Alignment, DoesNotMatterOnVectorUnits) {
  const Gpu h200 = load_gpu("h200");
  EXPECT_EQ(alignment_threshold(h200, Dtype::fp32), 1);
  EXPECT_DOUBLE_EQ(alignment_class(h200, Dtype::fp32, 1).efficiency, 1);
}

TEST(Names, AreThoseOfTheFiles) {
  EXPECT_EQ(name(Generation::cdna2), "cdna2");
  EXPECT_EQ(name(Clocks::sustained), "sustained");
}

}  // namespace
}  // namespace gemmetry::gpu
