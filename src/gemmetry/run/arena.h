#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gemmetry::run {

/// An array that is needed from one launch to another, both included.
struct Lifetime {
  std::int64_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Where each array lies in one piece of memory: arrays that live at the same time do not overlap.
struct Arena {
  std::vector<std::int64_t> offsets;  ///< of each array, aligned to 256 bytes
  std::int64_t bytes = 0;             ///< of the whole: the peak
};

/// Gives each array, in the order of their first launches, the lowest gap that is wide enough.
Arena plan_arena(const std::vector<Lifetime>& arrays);

}  // namespace gemmetry::run
