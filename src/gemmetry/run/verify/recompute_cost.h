#pragma once

#include <cstdint>
#include <optional>
#include <span>

// What it predicts: recompute cost, the tokens that verified decoding throws away over those it commits.
// Formula: a token differs from the verifier's with probability p, each on its own. A request with m tokens to come
// verifies w = min(W, m) of them; a mismatch at place k keeps k + 1 and throws away w - k - 1:
//   E(m) = sum_{k<w} p (1-p)^k [(w-k-1) + E(m-k-1)] + (1-p)^w E(m-w),   cost = E(L-1) / L,
// as the first of L tokens is the prefill's and is never verified; about p (W-1) / 2 where p W is small. The sum over k
// runs on from m to m + 1, so that E takes a step for each token and not one for each token and place.
// Range: any p from 0 to 1, W and L from 1. It can exceed 1.
// Ignores: requests verified before their window is full because a pass had room (that costs less), flips that come
// in bursts, verify passes and padding.
// Source: LLM-42, arXiv 2601.17768; docs/verified_decoding.md.

namespace gemmetry::run {

/// Tokens thrown away per committed token, of requests of these lengths (output tokens each, at least 1), together.
double recompute_cost(double flip_rate, std::int64_t window, std::span<const std::int64_t> lengths);
double recompute_cost(double flip_rate, std::int64_t window, std::int64_t length);

/// Tokens that one window of `tokens` throws away on average: sum_{k<n} p (1-p)^k (n-k-1).
double rolled_back_of_window(double flip_rate, std::int64_t tokens);

/// The flip rate at which requests of these lengths have this cost. Nothing where no rate has: more than rate 1 costs,
/// or some cost where none is possible.
std::optional<double> flip_rate_of(double cost, std::int64_t window, std::span<const std::int64_t> lengths);

}  // namespace gemmetry::run
