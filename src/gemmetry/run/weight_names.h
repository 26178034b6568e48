#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/op/program.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// The rows of a weight array that a product takes.
struct WeightRows {
  std::string array;  ///< without ".weight" or ".bias", and without its layer
  std::int64_t first_row = 0;
};

/// Of a linear layer's step. Error for one that no array belongs to.
WeightRows weight_of_product(const op::Step& step, const shape::Model& model);
/// Of a norm's step.
std::string weight_of_norm(const op::Step& step);

}  // namespace gemmetry::run
