#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gemmetry/measure/sample.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// The operator with another number of rows, where all results of a row come from that row and from what all rows
/// share: then a few rows alone tell what they hold among many. An optimizer's rows are its parameters. Nothing for
/// operators that gather rows or whose rows depend on their place.
std::optional<op::Operator> with_rows(const op::Operator& op, std::int64_t rows);

/// Rows that such an operator has.
std::int64_t rows_of(const op::Operator& op);

/// All elements of these rows, in ascending order, of an operator that with_rows knows; operand i holds what
/// Backend::fill made of seed + i.
std::vector<Sample> sample_rows(const op::Operator& op, std::span<const std::int64_t> rows, std::uint64_t seed);

}  // namespace gemmetry::measure
