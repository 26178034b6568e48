#include "gemmetry/run/arena.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "gemmetry/measure/random_data.h"

namespace gemmetry::run {
namespace {

TEST(Arena, ReusesWhatIsNoLongerNeeded) {
  // A chain: each launch reads what the one before wrote.
  const Arena arena = plan_arena({{256, 0, 1}, {256, 1, 2}, {256, 2, 3}, {256, 3, 4}});
  EXPECT_EQ(arena.bytes, 512);
  EXPECT_EQ(arena.offsets, (std::vector<std::int64_t>{0, 256, 0, 256}));
}

TEST(Arena, TakesTheLowestGapThatIsWideEnough) {
  const Arena arena = plan_arena({{256, 0, 0}, {256, 0, 9}, {512, 1, 9}, {256, 2, 9}});
  EXPECT_EQ(arena.offsets, (std::vector<std::int64_t>{0, 256, 512, 0}));
  EXPECT_EQ(arena.bytes, 1024);
}

TEST(Arena, AlignsEachArray) {
  const Arena arena = plan_arena({{1, 0, 1}, {300, 0, 1}, {1, 0, 1}});
  EXPECT_EQ(arena.offsets, (std::vector<std::int64_t>{0, 256, 768}));
  EXPECT_EQ(arena.bytes, 1024);
}

TEST(Arena, ArraysThatLiveTogetherNeverOverlap) {
  std::vector<Lifetime> arrays;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto first = static_cast<std::size_t>(measure::random_index(1, i, 50));
    arrays.push_back({measure::random_index(2, i, 5000) + 1, first,
                      first + static_cast<std::size_t>(measure::random_index(3, i, 10))});
  }
  const Arena arena = plan_arena(arrays);
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    EXPECT_LE(arena.offsets[a] + arrays[a].bytes, arena.bytes);
    for (std::size_t b = 0; b < a; ++b) {
      if (arrays[a].last < arrays[b].first || arrays[b].last < arrays[a].first) continue;
      const bool apart = arena.offsets[a] + arrays[a].bytes <= arena.offsets[b] ||
                         arena.offsets[b] + arrays[b].bytes <= arena.offsets[a];
      EXPECT_TRUE(apart) << a << " and " << b;
    }
  }
}

}  // namespace
}  // namespace gemmetry::run
