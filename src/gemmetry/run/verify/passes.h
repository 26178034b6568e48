#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/run/verify/drafts.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::run {

/// Which requests share which verification pass, by their place in `requests`: ceil(ready / batch) passes, none where
/// none is ready. Ready requests come first, then others with drafts, which are verified early, both in their order: so
/// LLM-42 fills its passes. As it is the first who are verified early, again and again after few tokens, the windows of
/// the others stay full. What room is left, dummies fill.
std::vector<std::vector<std::size_t>> verification_passes(std::span<const Drafts* const> requests,
                                                          const PassShape& shape);

}  // namespace gemmetry::run
