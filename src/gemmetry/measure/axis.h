#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// More values or operators than this are a mistake.
inline constexpr std::int64_t longest_axis = 1'000'000;

/// The whole numbers from `low` that a text names: "4096", "2.7e9", "2^12", "128:32640:128" (first, last and step),
/// "1..8", "2^5..2^13" (powers of two), and lists of these with commas. As written: not sorted, not deduplicated.
/// Error naming `what`, the text and the forms.
std::vector<std::int64_t> axis_values(std::string_view what, std::string_view text, std::int64_t low = 1);

/// The values one field takes in a sweep: those of axis_values for sizes, words with commas for all other fields.
struct Axis {
  std::string field;
  std::string values;
};

/// Every combination of the axes' values as an operator of that kind, the last axis running fastest; fields without an
/// axis have their defaults, `dtype` that given. Equal ones once. Error naming kind, field, value and fix.
std::vector<op::Operator> expand(std::string_view kind, std::span<const Axis> axes,
                                 shape::Dtype dtype = shape::Dtype::bf16);

/// The operators without repetitions, in their order.
std::vector<op::Operator> distinct(std::span<const op::Operator> ops);

}  // namespace gemmetry::measure
