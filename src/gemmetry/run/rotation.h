#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// Cosine and sine of each position, as measure::RotaryKernel takes them: `positions` rows of `rotary_dim` numbers,
/// those of element i at 2 i and 2 i + 1. Its angle at position p is p base^(-2 i / rotary_dim), stretched as the
/// model's scaling says.
std::vector<float> rotation_table(const shape::Model& model, std::int64_t positions);

}  // namespace gemmetry::run
