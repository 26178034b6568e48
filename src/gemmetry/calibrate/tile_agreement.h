#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "gemmetry/calibrate/judgement.h"
#include "gemmetry/gpu/gpu.h"

namespace gemmetry::calibrate {

/// How often products are predicted to run as the library runs them, and what it costs where they are not.
struct TileAgreement {
  ShapeClass shape_class;
  std::size_t count = 0;     ///< products whose records say the library's tile
  double tile = 0;           ///< share whose tile is predicted, along rows and columns
  double turned = 0;         ///< share whose tile is predicted but for its orientation
  double split_k = 0;        ///< share whose split of k is predicted, among those with a tile
  double error_agreed = 0;   ///< mean absolute error of the time where the tile is predicted
  double error_differs = 0;  ///< and where it is not
};

/// By class; classes without a record of a tile are left out. cuBLASLt is column-major: its tile's first size runs
/// along the columns of our result.
std::vector<TileAgreement> tile_agreement(std::span<const Judgement> judgements, Predictors& predictors);

}  // namespace gemmetry::calibrate
