#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/gpu/residual.h"
#include "gemmetry/predict/features.h"

namespace gemmetry::predict {

/// A sum of regression trees over some of an operator's features, laid out to be evaluated in about a microsecond.
class BoostedTrees {
 public:
  BoostedTrees() = default;
  /// `positions[i]`: where among Features the trees' feature i stands.
  BoostedTrees(std::span<const gpu::Tree> trees, std::span<const std::size_t> positions);

  double operator()(const Features& features) const;

  bool empty() const { return groups_.empty(); }

 private:
  /// A node goes to `next`, or, where its feature is above the threshold, to the node after that. A leaf's threshold is
  /// infinite and it goes to itself, so that all trees of a group can be walked equally many steps.
  struct Node {
    float threshold;
    std::uint32_t feature : 8;
    std::uint32_t next : 24;
  };
  /// Trees that are walked side by side: their loads overlap.
  static constexpr int width = 8;
  struct Group {
    std::uint32_t roots[width];
    int steps;
  };

  /// Appends a tree; its root.
  std::uint32_t add(const gpu::Tree& tree, std::span<const std::size_t> positions);

  std::vector<Node> nodes_;
  std::vector<float> values_;  ///< by node, of leaves
  std::vector<Group> groups_;
};

}  // namespace gemmetry::predict
