#pragma once

#include <cstdint>

// Compiled for the host and, by nvcc, for the device: both sides make the same data bit for bit.
#ifdef __CUDACC__
#define GEMMETRY_HOST_DEVICE __host__ __device__
#else
#define GEMMETRY_HOST_DEVICE
#endif

namespace gemmetry::measure {

/// The `index`-th of the 32-bit random words of `seed`: any element can be made again alone (splitmix64's finaliser).
GEMMETRY_HOST_DEVICE constexpr std::uint32_t random_word(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = (seed * 0x9e3779b97f4a7c15u) ^ (index + 0x632be59bd9b4e019u) * 0xd1342543de82ef95u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
}

/// Uniform on [-1, 1) in steps of 2^-23, so exact in fp32; narrower elements hold it rounded to nearest, ties to even.
GEMMETRY_HOST_DEVICE constexpr float random_uniform(std::uint64_t seed, std::uint64_t index) {
  return static_cast<float>(static_cast<std::int32_t>(random_word(seed, index) >> 8) - (1 << 23)) *
         (1.0f / static_cast<float>(1 << 23));
}

/// Uniform on [0, 1), for Fill::positive, in steps of 2^-24.
GEMMETRY_HOST_DEVICE constexpr float random_positive(std::uint64_t seed, std::uint64_t index) {
  return static_cast<float>(random_word(seed, index) >> 8) * (1.0f / static_cast<float>(1 << 24));
}

/// 0 or 1, for Fill::flag.
GEMMETRY_HOST_DEVICE constexpr std::uint8_t random_flag(std::uint64_t seed, std::uint64_t index) {
  return static_cast<std::uint8_t>(random_word(seed, index) >> 31);
}

/// Uniform on 0 .. limit - 1, limit at most 2^31.
GEMMETRY_HOST_DEVICE constexpr std::int32_t random_index(std::uint64_t seed, std::uint64_t index, std::int64_t limit) {
  return static_cast<std::int32_t>(
      (static_cast<std::uint64_t>(random_word(seed, index)) * static_cast<std::uint64_t>(limit)) >> 32);
}

}  // namespace gemmetry::measure
