#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// What random weights an array gets: uniform on mean - scale to mean + scale. Scale 0: no parameters at all, but the
/// constant `mean`, whatever weights the model has.
struct RandomWeights {
  float mean = 0;
  float scale = 0;
};

/// One array of a model's weights: `rows` by `columns`, row-major. Query, key and value lie in one array, as do gate
/// and up: a product of one of them works on its rows.
struct WeightArray {
  std::string name;  ///< "layers.3.qkv.weight"; see weight_array.cpp
  std::int64_t rows = 1;
  std::int64_t columns = 0;
  RandomWeights random;
  bool vector = false;  ///< a bias or a norm's: files have one dimension

  std::int64_t elements() const { return rows * columns; }
};

/// "layers.3.qkv.weight" for layer 3.
std::string layer_array(std::int64_t layer, std::string_view name);

/// All arrays of the model, in the order in which they are used. A norm without parameters has its ones and zeros.
std::vector<WeightArray> weight_arrays(const shape::Model& model);

}  // namespace gemmetry::run
