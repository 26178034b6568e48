#include "gemmetry/run/arena.h"

#include <algorithm>
#include <numeric>

#include "gemmetry/run/device_buffer.h"

namespace gemmetry::run {

Arena plan_arena(const std::vector<Lifetime>& arrays) {
  Arena arena{std::vector<std::int64_t>(arrays.size()), 0};
  std::vector<std::size_t> order(arrays.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return arrays[a].first < arrays[b].first; });

  std::vector<std::size_t> live;  // by offset
  for (const std::size_t next : order) {
    std::erase_if(live, [&](std::size_t old) { return arrays[old].last < arrays[next].first; });
    std::int64_t offset = 0;
    auto place = live.begin();
    for (; place != live.end(); ++place) {
      if (arena.offsets[*place] - offset >= aligned(arrays[next].bytes)) break;
      offset = arena.offsets[*place] + aligned(arrays[*place].bytes);
    }
    arena.offsets[next] = offset;
    arena.bytes = std::max(arena.bytes, offset + aligned(arrays[next].bytes));
    live.insert(place, next);
  }
  return arena;
}

}  // namespace gemmetry::run
