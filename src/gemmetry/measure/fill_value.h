#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {

/// What Backend::fill leaves in element `index` of an operand, rounded to its element; for Fill::none and Fill::forward
/// the poison: NaN, or all bits set where the element has no NaN.
double fill_value(const Operand& operand, std::uint64_t seed, std::int64_t index);

/// The elements `first`, `first` + `stride`, ...
void fill_values(const Operand& operand, std::uint64_t seed, std::int64_t first, std::int64_t stride,
                 std::span<double> values);

/// All elements.
std::vector<double> fill_values(const Operand& operand, std::uint64_t seed);

}  // namespace gemmetry::measure
