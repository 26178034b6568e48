#pragma once

#include <vector>

#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// Operators in whose place the oracle can compute all of this one: itself where it is small enough. Otherwise of the
/// same width, columns, head dimensions, grouping and remainders, so that the same kernels take the same branches, but
/// with fewer rows, sequences or heads and shorter sequences. A large causal softmax becomes two: a short one of its
/// columns, in which every row sees all, and a smaller square. What is sampled (sample.h) stays.
std::vector<op::Operator> stand_ins(const op::Operator& op);

}  // namespace gemmetry::measure
