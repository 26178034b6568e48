#pragma once

namespace gemmetry::predict {

/// Four floats worked on side by side. GCC and Clang make one SIMD instruction of each operation on any 64-bit machine,
/// at any optimisation level that optimises; a plain loop they leave alone because a comparison could trap.
using Lanes = float __attribute__((vector_size(16)));
using LaneIndex = int __attribute__((vector_size(16)));
inline constexpr int lanes = 4;

inline Lanes all(float x) { return Lanes{x, x, x, x}; }

inline Lanes least(Lanes a, Lanes b) { return a < b ? a : b; }
inline Lanes largest(Lanes a, Lanes b) { return a > b ? a : b; }

namespace detail {
/// Adding and taking away 2^23 rounds a float below it to a whole number.
inline Lanes to_whole(Lanes x) { return (x + all(8388608.0F)) - all(8388608.0F); }
/// A quotient that should be whole may come out a few units in the last place beside it.
inline constexpr float slack = 4.8e-7F;
}  // namespace detail

/// Smallest whole number not below x >= 0; x is taken to be whole when it is within rounding of that.
inline Lanes ceil_of(Lanes x) {
  x = x * all(1 - detail::slack);
  const Lanes whole = detail::to_whole(x);
  return whole + (whole < x ? all(1) : all(0));
}

/// Largest whole number not above x >= 0, with the same indulgence.
inline Lanes floor_of(Lanes x) {
  x = x * all(1 + detail::slack);
  const Lanes whole = detail::to_whole(x);
  return whole - (whole > x ? all(1) : all(0));
}

}  // namespace gemmetry::predict
