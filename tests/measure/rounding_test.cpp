#include "gemmetry/measure/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace gemmetry::measure {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
const float nan = std::numeric_limits<float>::quiet_NaN();

TEST(Rounding, Bf16ByHand) {
  EXPECT_EQ(bf16_from_float(1.0f), 0x3f80);
  EXPECT_EQ(bf16_from_float(-2.0f), 0xc000);
  EXPECT_EQ(bf16_from_float(1 + 0x1p-8f), 0x3f80) << "tie: to even, down";
  EXPECT_EQ(bf16_from_float(1 + 3 * 0x1p-8f), 0x3f82) << "tie: to even, up";
  EXPECT_EQ(bf16_from_float(1 + 0x1p-8f + 0x1p-23f), 0x3f81);
  EXPECT_EQ(bf16_from_float(-0.0f), 0x8000);
  EXPECT_EQ(bf16_from_float(3.4e38f), 0x7f80) << "past the largest: infinity";
  EXPECT_EQ(bf16_from_float(infinity), 0x7f80);
  EXPECT_EQ(float_from_bf16(bf16_from_float(0x1p-133f)), 0x1p-133f) << "the least subnormal";
  EXPECT_EQ(bf16_from_float(0x1p-134f), 0) << "half of it: to even";
  EXPECT_TRUE(std::isnan(float_from_bf16(bf16_from_float(nan))));
}

TEST(Rounding, Fp16ByHand) {
  EXPECT_EQ(fp16_from_float(1.0f), 0x3c00);
  EXPECT_EQ(fp16_from_float(-1.5f), 0xbe00);
  EXPECT_EQ(fp16_from_float(1 + 0x1p-11f), 0x3c00) << "tie: to even, down";
  EXPECT_EQ(fp16_from_float(1 + 3 * 0x1p-11f), 0x3c02) << "tie: to even, up";
  EXPECT_EQ(fp16_from_float(2 - 0x1p-12f), 0x4000) << "up to the next power of two";
  EXPECT_EQ(fp16_from_float(65504.0f), 0x7bff);
  EXPECT_EQ(fp16_from_float(65519.0f), 0x7bff);
  EXPECT_EQ(fp16_from_float(65520.0f), 0x7c00) << "the tie past the largest is infinity";
  EXPECT_EQ(fp16_from_float(1e30f), 0x7c00);
  EXPECT_EQ(fp16_from_float(-infinity), 0xfc00);
  EXPECT_EQ(fp16_from_float(0x1p-14f), 0x0400) << "least normal number";
  EXPECT_EQ(fp16_from_float(0x1p-24f), 0x0001) << "least subnormal";
  EXPECT_EQ(fp16_from_float(0x1p-25f), 0x0000) << "half of it: to even";
  EXPECT_EQ(fp16_from_float(0x1.8p-25f), 0x0001);
  EXPECT_EQ(fp16_from_float(3 * 0x1p-25f), 0x0002);
  EXPECT_EQ(fp16_from_float(0x1p-14f - 0x1p-26f), 0x0400) << "from the subnormals up to the normals";
  EXPECT_EQ(fp16_from_float(-0x1p-140f), 0x8000);
  EXPECT_TRUE(std::isnan(float_from_fp16(fp16_from_float(nan))));
}

TEST(Rounding, E4m3ByHand) {
  EXPECT_EQ(e4m3_from_float(1.0f), 0x38);
  EXPECT_EQ(e4m3_from_float(-0.5f), 0xb0);
  EXPECT_EQ(e4m3_from_float(1.0625f), 0x38) << "tie: to even, down";
  EXPECT_EQ(e4m3_from_float(1.1875f), 0x3a) << "tie: to even, up";
  EXPECT_EQ(e4m3_from_float(1.9375f), 0x40);
  EXPECT_EQ(e4m3_from_float(448.0f), 0x7e);
  EXPECT_EQ(e4m3_from_float(464.0f), 0x7e) << "saturates";
  EXPECT_EQ(e4m3_from_float(1e9f), 0x7e);
  EXPECT_EQ(e4m3_from_float(-infinity), 0xfe);
  EXPECT_EQ(e4m3_from_float(0x1p-6f), 0x08) << "least normal number";
  EXPECT_EQ(e4m3_from_float(0x1p-9f), 0x01) << "least subnormal";
  EXPECT_EQ(e4m3_from_float(0x1p-10f), 0x00) << "half of it: to even";
  EXPECT_EQ(e4m3_from_float(0x1.8p-10f), 0x01);
  EXPECT_EQ(e4m3_from_float(nan), 0x7f);
  EXPECT_TRUE(std::isnan(float_from_e4m3(0xff)));
}

TEST(Rounding, EveryNumberOfAFormatIsItself) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const std::uint16_t b = static_cast<std::uint16_t>(bits);
    if (!std::isnan(float_from_fp16(b))) EXPECT_EQ(fp16_from_float(float_from_fp16(b)), b);
    if (!std::isnan(float_from_bf16(b))) EXPECT_EQ(bf16_from_float(float_from_bf16(b)), b);
  }
  for (unsigned bits = 0; bits < 0x100; ++bits) {
    const std::uint8_t b = static_cast<std::uint8_t>(bits);
    if (!std::isnan(float_from_e4m3(b))) EXPECT_EQ(e4m3_from_float(float_from_e4m3(b)), b);
  }
}

#ifdef __FLT16_MAX__
TEST(Rounding, AgreesWithTheCompilersHalf) {
  for (std::uint32_t bits = 0; bits < 0x7f800000u; bits += 9973) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    const _Float16 half = static_cast<_Float16>(value);
    std::uint16_t expected = 0;
    std::memcpy(&expected, &half, sizeof half);
    ASSERT_EQ(fp16_from_float(value), expected) << value;
  }
}
#endif

TEST(Rounding, NoErrorExceedsHalfAnUlp) {
  for (const Element element : {Element::bf16, Element::fp16, Element::fp8})
    for (float value = 0x1p-12f; value < 400; value *= 1.0037f) {
      const double error = std::fabs(static_cast<double>(rounded(element, value)) - static_cast<double>(value));
      EXPECT_LE(error, half_ulp(element, static_cast<double>(value)));
    }
  EXPECT_EQ(half_ulp(Element::bf16, 1.0), 0x1p-8);
  EXPECT_EQ(half_ulp(Element::fp32, 3.0), 0x1p-23);
  EXPECT_EQ(half_ulp(Element::fp16, 0), 0x1p-25);
  EXPECT_EQ(half_ulp(Element::fp8, 0x1p-8), 0x1p-10);
  EXPECT_EQ(half_ulp(Element::byte, 7), 0);
}

}  // namespace
}  // namespace gemmetry::measure
