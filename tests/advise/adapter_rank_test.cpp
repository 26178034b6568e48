#include "gemmetry/advise/adapter_rank.h"

#include <gtest/gtest.h>

#include "advise/fake_costs.h"
#include "gemmetry/shape/import.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::advise {
namespace {

using shape::AdapterKind;
using test::FakeCosts;

struct Gpt2 {
  shape::Model model = shape::preset("gpt2-medium");
  shape::Workload workload;
  FakeCosts costs;
  Gpt2() {
    workload.batch = 16;
    workload.sequence = 512;
  }
  AdapterRanks ranks(AdapterKind kind) { return {model, workload, kind, costs}; }
};

TEST(AdapterRanks, TheLargestUnderALimitIsUnderItAndTheNextAreNot) {
  Gpt2 gpt2;
  AdapterRanks ranks = gpt2.ranks(AdapterKind::houlsby);
  const double limit = ranks.cost(256).slowdown.value - 1 + 1e-9;
  const std::optional<AdapterCost> largest = ranks.largest(limit);
  ASSERT_TRUE(largest);
  EXPECT_GE(largest->rank, 256);
  EXPECT_LE(largest->slowdown.value, 1 + limit);
  for (std::int64_t rank = largest->rank + 1; rank <= 1024; rank += 7)
    EXPECT_GT(ranks.cost(rank).slowdown.value, 1 + limit) << rank;
  EXPECT_EQ(largest->parameters, 98'352 * largest->rank + 49'152);
  EXPECT_LE(largest->slowdown.low, largest->slowdown.value);
  EXPECT_LE(largest->slowdown.value, largest->slowdown.high);
}

TEST(AdapterRanks, ForSureTheWholeIntervalIsUnderTheLimit) {
  Gpt2 gpt2;
  AdapterRanks ranks = gpt2.ranks(AdapterKind::lin);
  const double limit = ranks.cost(512).slowdown.value - 1 + 1e-9;
  const std::optional<AdapterCost> sure = ranks.largest(limit, true);
  ASSERT_TRUE(sure);
  EXPECT_LE(sure->slowdown.high, 1 + limit);
  EXPECT_LE(sure->rank, ranks.largest(limit)->rank);
}

TEST(AdapterRanks, NothingIsUnderALimitThatEvenTheCheapestExceeds) {
  Gpt2 gpt2;
  AdapterRanks ranks = gpt2.ranks(AdapterKind::houlsby);
  const AdapterCost cheapest = ranks.cheapest();
  for (std::int64_t rank = 1; rank <= 1024; rank += 31)
    EXPECT_LE(cheapest.slowdown.value, ranks.cost(rank).slowdown.value) << rank;
  EXPECT_FALSE(ranks.largest((cheapest.slowdown.value - 1) * 0.99));
  EXPECT_TRUE(ranks.largest((cheapest.slowdown.value - 1) * 1.01));
}

TEST(AdapterRanks, HIsSlowerThanLAndMergedIsFree) {
  Gpt2 gpt2;
  AdapterRanks h = gpt2.ranks(AdapterKind::houlsby), l = gpt2.ranks(AdapterKind::lin);
  AdapterRanks merged = gpt2.ranks(AdapterKind::lora_merged);
  for (const std::int64_t rank : {1, 10, 100, 250}) {
    EXPECT_GT(h.cost(rank).slowdown.value, l.cost(rank).slowdown.value);
    EXPECT_GT(l.cost(rank).slowdown.value, 1);
    EXPECT_EQ(merged.cost(rank).slowdown.value, 1);
  }
  EXPECT_EQ(merged.largest(0)->rank, 1024);
  EXPECT_EQ(merged.cost(8).parameters, 0);
}

TEST(AdapterRanks, PaddedToEight) {
  EXPECT_EQ(padded_rank(1), 8);
  EXPECT_EQ(padded_rank(8), 8);
  EXPECT_EQ(padded_rank(10), 16);
  EXPECT_EQ(padded_rank(250), 256);
  EXPECT_EQ(usual_ranks(64), (std::vector<std::int64_t>{1, 2, 4, 8, 10, 16, 32, 64}));
  EXPECT_EQ(usual_ranks(1024).back(), 1024);
}

}  // namespace
}  // namespace gemmetry::advise
