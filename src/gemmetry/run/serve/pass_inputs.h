#pragma once

#include <cstdint>
#include <span>

#include "gemmetry/run/inputs.h"
#include "gemmetry/run/serve/token_engine.h"

namespace gemmetry::run {

/// Of a decoding step. Dummies write nowhere and read nothing.
PassInputs decode_inputs(std::span<const DecodeRow> rows);

/// Of a verification pass of `window` rows each. What fills a shorter window up comes in front of its tokens, so that
/// nothing stands behind the last of them, where the slot may end: row i is row window - tokens.size() + i of the pass.
PassInputs window_inputs(std::span<const WindowRows> windows, std::int64_t window);

/// Of a prompt in a pass of `length` tokens, filled up behind it.
PassInputs prefill_inputs(std::int32_t slot, std::span<const std::int32_t> prompt, std::int64_t length,
                          const Draw& draw);

}  // namespace gemmetry::run
