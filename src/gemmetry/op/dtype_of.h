#pragma once

#include "gemmetry/op/operator.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::op {

/// The type of an operator's operands; bf16 for those that do not say, none of which counts FLOP.
shape::Dtype dtype_of(const Operator& op);

}  // namespace gemmetry::op
