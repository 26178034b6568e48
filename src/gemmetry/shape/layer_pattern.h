#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace gemmetry::shape {

/// Evaluates Megatron's notation of a list over the layers: "([0]*3+[1]*58)" is three zeros and 58 ones. Lists of whole
/// numbers, sums, repetition and parentheses; spaces are ignored. Nothing if the text is malformed or the list longer
/// than `limit`.
std::optional<std::vector<std::int64_t>> layer_pattern(std::string_view text, std::size_t limit);

}  // namespace gemmetry::shape
