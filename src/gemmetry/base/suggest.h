#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gemmetry {

/// The candidate nearest to `word` by edit distance, or an empty string when none is near enough to be meant
/// (more than a third of the longer word would have to change).
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean 'x'?" for the nearest candidate, or an empty string: to be appended to an error message.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace gemmetry
