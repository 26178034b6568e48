#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/run/verify/drafts.h"
#include "gemmetry/run/verify/pass_shape.h"

namespace gemmetry::run {

/// Which requests share which verification pass, by their place in `requests`: ceil(ready / batch) passes, none where
/// none is ready. Ready requests come first; where a pass has room, others with drafts are verified early, those with
/// the most drafts first. What room is left then, dummies fill.
std::vector<std::vector<std::size_t>> verification_passes(std::span<const Drafts* const> requests,
                                                          const PassShape& shape);

}  // namespace gemmetry::run
