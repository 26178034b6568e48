#include "gemmetry/advise/best.h"

#include <gtest/gtest.h>

#include <random>

#include "gemmetry/advise/pareto_front.h"

namespace gemmetry::advise {
namespace {

Found found(double time_s, int changes = 0, std::int64_t width = 0) {
  Found result;
  result.time_s = time_s;
  result.changes = changes;
  result.sizes.ffn = width;
  return result;
}

TEST(Best, KeepsTheFastestInOrder) {
  Best best(3);
  for (const double time : {5.0, 1.0, 4.0, 2.0, 3.0}) best.offer(found(time));
  EXPECT_FALSE(best.admits(3.5));
  const auto sorted = std::move(best).sorted();
  ASSERT_EQ(sorted.size(), 3U);
  EXPECT_EQ(sorted[0].time_s, 1);
  EXPECT_EQ(sorted[2].time_s, 3);
}

TEST(Best, OfEqualTimesTheSmallerChangeStays) {
  Best best(1);
  best.offer(found(1, 3));
  best.offer(found(1, 1));
  best.offer(found(1, 2));
  EXPECT_EQ(std::move(best).sorted()[0].changes, 1);
}

TEST(ParetoFront, DropsWhatIsBeatenInAllRespects) {
  ParetoFront front;
  front.offer({found(1, 0, 1), 5, 100});
  front.offer({found(2, 0, 2), 3, 100});
  front.offer({found(3, 0, 3), 4, 100});    // slower and slower in decode than the second
  front.offer({found(4, 0, 4), 9, 50});     // but the least cache
  front.offer({found(0.5, 0, 5), 5, 100});  // beats the first
  std::vector<std::int64_t> kept;
  for (const Tradeoff& tradeoff : front.sorted(10)) kept.push_back(tradeoff.found.sizes.ffn);
  EXPECT_EQ(kept, (std::vector<std::int64_t>{5, 2, 4}));
}

TEST(ParetoFront, DoesNotDependOnTheOrderAndStaysSmall) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> seconds(1, 2);
  std::vector<Tradeoff> all;
  for (int i = 0; i < 20000; ++i)
    all.push_back({found(seconds(random), 0, i), seconds(random), static_cast<double>(1 + i % 4)});
  const auto widths = [&] {
    ParetoFront front;
    for (const Tradeoff& tradeoff : all) front.offer(tradeoff);
    std::vector<std::int64_t> result;
    for (const Tradeoff& tradeoff : front.sorted(10000)) result.push_back(tradeoff.found.sizes.ffn);
    return result;
  };
  const auto first = widths();
  EXPECT_LT(first.size(), 300U);
  std::ranges::shuffle(all, random);
  EXPECT_EQ(widths(), first);
}

TEST(ParetoFront, IsThinnedEvenlyWithItsEnds) {
  ParetoFront front;
  for (int i = 0; i < 50; ++i) front.offer({found(1 + i, 0, i), 100.0 - i, 1});
  const auto thinned = front.sorted(5);
  ASSERT_EQ(thinned.size(), 5U);
  EXPECT_EQ(thinned.front().found.sizes.ffn, 0);
  EXPECT_EQ(thinned.back().found.sizes.ffn, 49);
}

}  // namespace
}  // namespace gemmetry::advise
