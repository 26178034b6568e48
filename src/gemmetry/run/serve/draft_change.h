#pragma once

#include <cstdint>
#include <functional>

#include "gemmetry/run/verify/drafts.h"

namespace gemmetry::run {

/// Takes the place of drafts that decoding drew, for mismatches whose number is known: given a deterministic request's
/// tokens so far and the drawn one, the draft. What is measured so is synthetic.
using DraftChange = std::function<std::int32_t(const Drafts& drafts, std::int32_t drawn)>;

/// Each draft is another with this probability, on its own: the recompute cost is the closed form's. Error for a
/// probability that is none.
DraftChange bernoulli_changes(double probability, std::uint64_t seed);

/// In each window of `window` tokens that the request will fill, the draft `from_end` tokens before the end is another,
/// 1 being the last: such windows throw away from_end - 1 tokens and commit window - from_end + 1. Error for a place
/// outside the window.
DraftChange forced_changes(std::int64_t from_end, std::int64_t window);

}  // namespace gemmetry::run
