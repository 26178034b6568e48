#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "gemmetry/measure/random_data.h"

namespace gemmetry::measure {

/// A permutation that depends on the seed alone, on every machine.
template <class Item>
void shuffle(std::vector<Item>& items, std::uint64_t seed) {
  for (std::size_t left = items.size(); left > 1; --left)
    std::swap(items[left - 1],
              items[static_cast<std::size_t>(random_index(seed, left, static_cast<std::int64_t>(left)))]);
}

}  // namespace gemmetry::measure
