#include "gemmetry/predict/boosted_trees.h"

#include <algorithm>
#include <array>
#include <limits>

namespace gemmetry::predict {
namespace {

constexpr std::uint32_t all_nodes = (1U << 24) - 1;  // Node::next; more than gpu::residual_from_json lets in
static_assert(most_features <= 256, "Node::feature");
constexpr float never = std::numeric_limits<float>::infinity();

/// A tree's nodes below one, breadth first: both children of a node side by side.
struct Place {
  std::size_t from;  ///< in gpu::Tree
  std::size_t to;
};

int depth(const gpu::Tree& tree) {
  std::vector<int> levels{0};  // of the branches still to come
  int deepest = 0;
  for (const int split : tree.split) {
    const int level = levels.back();
    levels.pop_back();
    deepest = std::max(deepest, level);
    if (split >= 0) levels.insert(levels.end(), 2, level + 1);
  }
  return deepest;
}

}  // namespace

BoostedTrees::BoostedTrees(std::span<const gpu::Tree> trees, std::span<const std::size_t> positions) {
  // Trees of like depth together; the sum does not depend on the order beyond rounding.
  std::vector<const gpu::Tree*> ordered;
  for (const gpu::Tree& tree : trees) ordered.push_back(&tree);
  std::ranges::stable_sort(ordered, {}, [](const gpu::Tree* tree) { return depth(*tree); });

  const gpu::Tree nothing{{-1}, {0}};
  while (ordered.size() % width != 0) ordered.insert(ordered.begin(), &nothing);
  for (std::size_t first = 0; first < ordered.size(); first += width) {
    Group group{};
    for (std::size_t i = 0; i < width; ++i) {
      const gpu::Tree& tree = *ordered[first + i];
      group.roots[i] = add(tree, positions);
      group.steps = std::max(group.steps, depth(tree));
    }
    groups_.push_back(group);
  }
}

std::uint32_t BoostedTrees::add(const gpu::Tree& tree, std::span<const std::size_t> positions) {
  const std::size_t root = nodes_.size();
  nodes_.resize(root + tree.split.size());
  values_.resize(nodes_.size());
  std::vector<Place> open{{0, 0}};
  std::size_t free = 1;
  for (std::size_t i = 0; i < open.size(); ++i) {
    const auto [from, to] = open[i];
    Node& node = nodes_[root + to];
    if (tree.split[from] < 0) {
      node = {never, 0, static_cast<std::uint32_t>(root + to) & all_nodes};
      values_[root + to] = tree.number[from];
      continue;
    }
    const std::size_t feature = positions[static_cast<std::size_t>(tree.split[from])];
    node = {tree.number[from], static_cast<std::uint8_t>(feature), static_cast<std::uint32_t>(root + free) & all_nodes};
    open.push_back({from + 1, free});
    open.push_back({gpu::end_of_branch(tree, from + 1), free + 1});
    free += 2;
  }
  return static_cast<std::uint32_t>(root);
}

double BoostedTrees::operator()(const Features& features) const {
  float sum = 0;
  for (const Group& group : groups_) {
    std::array<std::uint32_t, width> at;
    std::copy_n(group.roots, width, at.begin());
    for (int step = 0; step < group.steps; ++step)
      for (std::size_t i = 0; i < width; ++i) {
        const Node& node = nodes_[at[i]];
        at[i] = node.next + (features[node.feature] > node.threshold ? 1U : 0U);
      }
    for (const std::uint32_t leaf : at) sum += values_[leaf];
  }
  return static_cast<double>(sum);
}

}  // namespace gemmetry::predict
