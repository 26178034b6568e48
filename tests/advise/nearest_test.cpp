#include "gemmetry/advise/nearest.h"

#include <gtest/gtest.h>

#include "advise/shapes.h"

namespace gemmetry::advise {
namespace {

TEST(Nearest, Multiples) {
  EXPECT_EQ(nearest_multiple(50257, 64), 50240);
  EXPECT_EQ(multiple_above(50257, 64), 50304);
  EXPECT_EQ(multiple_below(50257, 64), 50240);
  EXPECT_EQ(nearest_multiple(3, 8), 8);
  EXPECT_EQ(nearest_multiple(12, 8), 16) << "the larger of two equally near";
  EXPECT_EQ(multiples_around(2560, 192), "2496 or 2688");
  EXPECT_EQ(multiples_around(2304, 192), "2304");
}

TEST(Nearest, PossibleModelStays) {
  EXPECT_EQ(nearest_possible(test::llama3_8b(), test::training(8)), test::llama3_8b());
}

TEST(Nearest, ImpossibleModelMovesTheLeast) {
  const shape::Model moved = nearest_possible(test::redpajama(2560), test::training(6));
  EXPECT_EQ(moved.attention.heads, 30);
  EXPECT_EQ(moved.attention.kv_heads, 30);
  EXPECT_EQ(moved.attention.head_dim, 80);
  EXPECT_EQ(moved.ffn.width, 10242);
  EXPECT_EQ(moved.hidden, 2560);
}

TEST(Nearest, EveryDegreeBecomesPossible) {
  for (const shape::Model& model : {test::redpajama(4096), test::llama3_8b(), test::mixture()})
    for (std::int64_t t = 1; t <= 24; ++t) {
      shape::Workload workload = test::training(t);
      workload.pipeline_parallel = 1 + t % 5;
      const shape::Model moved = nearest_possible(model, workload);
      shape::validate(moved);
      EXPECT_TRUE(shape::impossible_splits(workload, moved).empty()) << model.name << " at t = " << t;
    }
}

TEST(Nearest, HeadsKeepTheirKvGroups) {
  EXPECT_EQ(with_heads(test::llama3_8b(), 16, 1).attention.kv_heads, 4);
  EXPECT_EQ(with_heads(test::gpt3_2_7b(), 20, 1).attention.kv_heads, 20);
}

}  // namespace
}  // namespace gemmetry::advise
