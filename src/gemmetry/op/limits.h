#pragma once

#include "gemmetry/op/operator.h"

namespace gemmetry::op {

/// Throws Error when the operator's sizes contradict each other (heads that do not divide into KV heads, more queries
/// than keys) or are so large (over 2^53 bytes or 2^80 FLOP) that no estimate means anything.
void require_priceable(const Operator& op);

}  // namespace gemmetry::op
