#pragma once

#include <string>
#include <vector>

#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::run {

/// One cell of a published heatmap.
struct PublishedCell {
  PassShape shape;
  double recompute_cost = 0;  ///< as a share: tokens rolled back over tokens committed
  double end_to_end_p99_s = 0;
};

/// Recompute cost over batch and window as others measured it, and under what circumstances.
struct PublishedHeatmap {
  std::string source;
  std::string model;
  std::string gpu;
  double rate_per_s = 0;
  double mean_new_tokens = 0;
  std::vector<PublishedCell> cells;

  /// Null where it has none of that shape.
  const PublishedCell* find(const PassShape& shape) const;
};

/// LLM-42's, from data/verified_decoding/published.json.
PublishedHeatmap published_heatmap();

}  // namespace gemmetry::run
