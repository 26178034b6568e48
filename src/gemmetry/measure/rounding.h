#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "gemmetry/measure/element.h"

namespace gemmetry::measure {

/// To nearest, ties to even. NaN stays NaN; past the largest finite number: infinity.
inline std::uint16_t bf16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x7fc0u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}
std::uint16_t fp16_from_float(float value);
/// Likewise, but past the largest finite number, infinity included, that number (448), as CUDA's conversion saturates.
std::uint8_t e4m3_from_float(float value);

inline float float_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}
float float_from_fp16(std::uint16_t bits);
float float_from_e4m3(std::uint8_t bits);

/// Reads and writes element `index` of a buffer. Whole numbers are stored as such: the value has to be one of theirs.
float load(Element element, const void* buffer, std::int64_t index);
void store(Element element, void* buffer, std::int64_t index, float value);

/// `value` as a buffer of such elements would give it back.
float rounded(Element element, float value);

/// The largest error of rounding a number of this magnitude to the element: half of the distance between its
/// neighbours. 0 for whole numbers.
double half_ulp(Element element, double magnitude);

}  // namespace gemmetry::measure
