#include "gemmetry/run/serve/draft_change.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::run {
namespace {

std::int32_t another(std::int32_t token) { return token > 0 ? token - 1 : 1; }

}  // namespace

DraftChange bernoulli_changes(double probability, std::uint64_t seed) {
  if (!(probability >= 0 && probability <= 1))
    throw Error(fmt::format("drafts changed with probability {}: state one from 0 to 1", probability));
  const auto below = static_cast<std::uint64_t>(probability * 4294967296.0);
  return [=, index = std::uint64_t{0}](const Drafts&, std::int32_t drawn) mutable {
    return measure::random_word(seed, index++) < below ? another(drawn) : drawn;
  };
}

DraftChange forced_changes(std::int64_t from_end, std::int64_t window) {
  if (from_end < 1 || from_end > window)
    throw Error(
        fmt::format("a mismatch {} tokens before the end of a window of {}: state 1 to {}", from_end, window, window));
  return [=](const Drafts& drafts, std::int32_t drawn) {
    const std::int64_t committed = std::ssize(drafts.committed());
    const bool here = drafts.unverified() == window - from_end && committed + window <= drafts.wanted();
    return here ? another(drawn) : drawn;
  };
}

}  // namespace gemmetry::run
