#include "gemmetry/predict/boosted_trees.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "gemmetry/base/json.h"

namespace gemmetry::predict {
namespace {

std::vector<std::size_t> in_order(std::size_t count) {
  std::vector<std::size_t> positions(count);
  std::iota(positions.begin(), positions.end(), 0);
  return positions;
}

Features of(std::initializer_list<float> values) {
  Features features{};
  std::ranges::copy(values, features.begin());
  return features;
}

TEST(BoostedTrees, NoneAddUpToNothing) {
  const BoostedTrees trees(std::vector<gpu::Tree>{}, {});
  EXPECT_TRUE(trees.empty());
  EXPECT_EQ(trees(of({1, 2})), 0);
}

TEST(BoostedTrees, AddUpLeavesChosenByThresholds) {
  // x0 <= 2 ? (x1 <= -1 ? 1 : 2) : 4, and a tree of one leaf.
  const std::vector<gpu::Tree> trees{{{0, 1, -1, -1, -1}, {2, -1, 1, 2, 4}}, {{-1}, {0.5}}};
  const auto positions = in_order(2);
  const BoostedTrees sum(trees, positions);
  EXPECT_EQ(sum(of({2, -1})), 1.5);  // at the threshold: left
  EXPECT_EQ(sum(of({2, -0.5})), 2.5);
  EXPECT_EQ(sum(of({2.5, -1})), 4.5);
  EXPECT_EQ(sum(of({std::numeric_limits<float>::infinity(), 0})), 4.5);
}

TEST(BoostedTrees, TakeFeaturesFromTheirPositions) {
  const std::vector<gpu::Tree> trees{{{0, -1, -1}, {0, 1, 2}}};
  const std::vector<std::size_t> positions{3};
  EXPECT_EQ(BoostedTrees(trees, positions)(of({9, 9, 9, -1})), 1);
  EXPECT_EQ(BoostedTrees(trees, positions)(of({-9, -9, -9, 1})), 2);
}

TEST(BoostedTrees, ADeepTreeBesideShallowOnes) {
  // A chain: x0 <= i ends at leaf i, for i to 39; beyond, 40.
  gpu::Tree chain;
  for (int i = 0; i < 40; ++i) {
    chain.split.insert(chain.split.end(), {0, -1});
    chain.number.insert(chain.number.end(), {static_cast<float>(i), static_cast<float>(i)});
  }
  chain.split.push_back(-1);
  chain.number.push_back(40);
  const std::vector<gpu::Tree> trees{{{0, -1, -1}, {20, 0, 100}}, chain, {{-1}, {1000}}};
  const auto positions = in_order(1);
  const BoostedTrees sum(trees, positions);
  for (int i = 0; i <= 40; ++i) EXPECT_EQ(sum(of({static_cast<float>(i)})), 1000 + i + (i > 20 ? 100 : 0)) << i;
}

/// tests/data/boosted_trees.py made the model and the predictions with LightGBM itself.
TEST(BoostedTrees, AgreesWithLightGbm) {
  const std::string path = GEMMETRY_TEST_DATA "/boosted_trees.json";
  const nlohmann::json document = parse_json(read_text_file(path), path);
  std::vector<gpu::Tree> trees;
  for (const auto& tree : document["trees"])
    trees.push_back({tree[0].get<std::vector<int>>(), tree[1].get<std::vector<float>>()});
  const auto positions = in_order(5);
  const BoostedTrees sum(trees, positions);
  ASSERT_EQ(document["rows"].size(), 30U);
  for (const auto& row : document["rows"]) {
    Features features{};
    std::ranges::copy(row["features"].get<std::vector<float>>(), features.begin());
    EXPECT_NEAR(sum(features), row["prediction"].get<double>(), 2e-4) << row.dump();
  }
}

}  // namespace
}  // namespace gemmetry::predict
