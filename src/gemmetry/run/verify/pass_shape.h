#pragma once

#include <cstdint>
#include <vector>

namespace gemmetry::run {

/// The shape of every verification pass: `batch` requests of `window` tokens each.
struct PassShape {
  std::int64_t batch = 1;
  std::int64_t window = 16;

  std::int64_t rows() const { return batch * window; }
  bool operator==(const PassShape&) const = default;
};

/// The shapes of a heatmap: batches 1, 2, 4 .. 32 by windows 16, 32 .. 512 of at most 512 rows, by batch.
inline std::vector<PassShape> usual_pass_shapes() {
  std::vector<PassShape> shapes;
  for (std::int64_t batch = 1; batch <= 32; batch *= 2)
    for (std::int64_t window = 16; batch * window <= 512; window *= 2) shapes.push_back({batch, window});
  return shapes;
}

}  // namespace gemmetry::run
