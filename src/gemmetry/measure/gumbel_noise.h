#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "gemmetry/measure/random_data.h"

// The noise with which tokens are drawn: the same bits on the host and, compiled by nvcc, on the device.

namespace gemmetry::measure {

/// ln x of a positive normal number, within a unit of its last place. Libraries' logarithms differ in their last bits;
/// this one is made of single operations and fused multiply-adds alone, which are the same everywhere.
GEMMETRY_HOST_DEVICE inline float portable_log(float x) {
  constexpr std::int32_t two_thirds = 0x3f2aaaab;
  const std::int32_t bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - two_thirds) & static_cast<std::int32_t>(0xff800000u);
  const float f = std::bit_cast<float>(bits - exponent) - 1.0f;  // in [-1/3, 1/3]
  const float powers_of_two = static_cast<float>(exponent) * (1.0f / static_cast<float>(1 << 23));
  const float square = f * f;
  float low = fmaf(-0.130187988f, f, 0.140889585f);
  const float high = fmaf(-0.121489584f, f, 0.139809534f);
  low = fmaf(low, square, high);
  low = fmaf(low, f, -0.166845024f);
  low = fmaf(low, f, 0.200121149f);
  low = fmaf(low, f, -0.249996364f);
  low = fmaf(low, f, 0.333331943f);
  low = fmaf(low, f, -0.500000000f);
  low = fmaf(low, square, f);
  return fmaf(powers_of_two, 0.693147182f, low);
}

/// The noise of a token: -ln(-ln u), u in (0, 1) from a hash of seed, position and token.
GEMMETRY_HOST_DEVICE inline float gumbel_noise(std::uint64_t seed, std::int32_t position, std::int32_t token) {
  const std::uint64_t place = static_cast<std::uint32_t>(position);
  const std::uint64_t stream = static_cast<std::uint64_t>(random_word(seed, place)) << 32 | random_word(~seed, place);
  const std::uint32_t word = random_word(stream, static_cast<std::uint32_t>(token));
  // In the middle of one of 2^23 steps: neither 0 nor 1, both exact.
  const float u = (static_cast<float>(word >> 9) + 0.5f) * (1.0f / static_cast<float>(1 << 23));
  return -portable_log(-portable_log(u));
}

}  // namespace gemmetry::measure
