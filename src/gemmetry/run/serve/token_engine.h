#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gemmetry/measure/kernel.h"

namespace gemmetry::run {

/// How a request's tokens are drawn: as measure::SampleKernel does, with noise hashed from seed, position and token, so
/// that a token drawn again at its position, in whichever pass and slot, meets the same noise.
struct Draw {
  std::uint64_t seed = 0;
  float temperature = 0;  ///< 0: the likeliest token, the first of equals
};

/// A request in a decoding step: its last token, whose keys and values the step writes at `position` of its slot.
struct DecodeRow {
  std::int32_t slot = 0;      ///< negative: a dummy, which writes nothing and whose token nobody reads
  std::int32_t position = 0;  ///< tokens of the request before this one; the drawn token's is one more
  std::int32_t token = 0;
  Draw draw;
};

/// A request in a verification pass: tokens that follow each other in its slot, drawn again behind each. Where they are
/// fewer than the pass's window, the engine fills up with rows that write nothing and whose tokens nobody reads, so a
/// window may end where its slot does.
struct WindowRows {
  std::int32_t slot = 0;             ///< negative: a dummy, all of whose rows are such
  std::int32_t first_position = 0;   ///< of the first token
  std::vector<std::int32_t> tokens;  ///< at most the pass's window; at least one, but none of a dummy
  Draw draw;
};

/// What answers requests: a model over slots of a cache, or a stand-in that prices or injects mismatches. Positions,
/// slots and lengths are the caller's; errors name what does not fit. A position is drawn with draw position = number
/// of tokens before the drawn one, in prefill, decoding and verification alike.
class TokenEngine {
 public:
  virtual ~TokenEngine() = default;

  virtual std::int64_t slots() const = 0;
  virtual std::int64_t capacity() const = 0;  ///< tokens of a slot, prompt and new ones together

  /// Puts a prompt into a slot, alone, and draws its first token; depends on the prompt and the draw only.
  virtual std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) = 0;

  /// One new token for each row, in order; 1 to slots() rows, no slot twice but dummies.
  virtual std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) = 0;

  /// One pass of exactly windows.size() x window rows over the cache, whose keys and values it overwrites; the token
  /// drawn behind each row, windows.size() x window of them, window by window. What it draws depends on the request's
  /// own rows and cache only, for one shape of pass.
  virtual std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) = 0;
};

}  // namespace gemmetry::run
