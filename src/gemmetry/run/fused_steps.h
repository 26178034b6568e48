#pragma once

#include <cstdint>

#include "gemmetry/run/script.h"

namespace gemmetry::run {

/// What decides which launches of a part may become one.
struct Fusing {
  bool decodes = false;      ///< keys and values are read from the cache alone
  bool keeps_input = false;  ///< the part's input is needed after it: a branch beside it starts from there
  bool activates = true;     ///< products may compute the activation that follows
};

/// The same script in fewer launches. A product adds to the residual stream itself: in place, or where the part's input
/// is kept into the sum. Of decoded tokens, rotations write into the cache, and a product of few rows computes the
/// activation that follows, gated or not. Each names in `detail` what it does.
Script fuse_steps(Script script, const Fusing& how);

}  // namespace gemmetry::run
