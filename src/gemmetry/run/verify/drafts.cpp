#include "gemmetry/run/verify/drafts.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/base/error.h"

namespace gemmetry::run {

Drafts::Drafts(std::int64_t wanted, std::int32_t first) : wanted_(wanted), tokens_{first} {
  if (wanted < 1) throw Error(fmt::format("a request for {} tokens: ask for at least 1", wanted));
}

void Drafts::add(std::int32_t token) {
  if (complete()) throw Error(fmt::format("a request has the {} tokens it wants: do not decode it", wanted_));
  tokens_.push_back(token);
}

std::span<const std::int32_t> Drafts::to_verify(std::int64_t window) const {
  const std::int64_t count = std::min(unverified(), window);
  return std::span(tokens_).subspan(static_cast<std::size_t>(committed_ - 1), static_cast<std::size_t>(count));
}

WindowOutcome Drafts::commit(std::span<const std::int32_t> drawn) {
  WindowOutcome outcome{.tokens = std::ssize(drawn)};
  if (outcome.tokens > unverified())
    throw Error(fmt::format("{} verified tokens of a request with {} drafts", outcome.tokens, unverified()));
  const auto drafts = tokens_.begin() + committed_;
  const auto differs = std::mismatch(drawn.begin(), drawn.end(), drafts).first;
  outcome.mismatch = differs != drawn.end();
  outcome.kept = differs - drawn.begin() + (outcome.mismatch ? 1 : 0);
  committed_ += outcome.kept;
  if (!outcome.mismatch) return outcome;
  outcome.rolled_back = unverified();
  tokens_.resize(static_cast<std::size_t>(committed_));
  tokens_.back() = *differs;
  return outcome;
}

}  // namespace gemmetry::run
