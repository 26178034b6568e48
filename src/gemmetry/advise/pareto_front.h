#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "gemmetry/advise/best.h"

namespace gemmetry::advise {

/// A shape with what a Pareto front weighs: time of a step, time of a decode step, KV bytes per token.
struct Tradeoff {
  Found found;
  double decode_time_s = 0;
  double kv_bytes = 0;
};

/// The shapes that no other beats in one respect without losing in another, as they stream past. Times that differ by
/// less than about 1 % share a box and count as equal, and a box keeps one shape, which bounds the front's size. What
/// stays does not depend on the order in which shapes are offered.
class ParetoFront {
 public:
  void offer(const Tradeoff& tradeoff);
  void offer(const ParetoFront& others);

  /// Least time first; at most `most`, the ends included, evenly spread over the front.
  std::vector<Tradeoff> sorted(std::size_t most) const;

 private:
  using Box = std::array<double, 3>;
  struct Kept {
    Box box;
    Tradeoff tradeoff;
  };
  std::vector<Kept> front_;
};

}  // namespace gemmetry::advise
