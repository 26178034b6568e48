#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/measure/oracle.h"

namespace gemmetry::measure {

/// Some elements of an operand and what they have to hold.
struct Sample {
  std::size_t operand = 0;
  std::vector<std::int64_t> elements;
  Expected expected;
};

/// Whether `sample` knows the operator: products and embeddings, whose elements each need but a few inputs, and what
/// works row by row (row_sample.h).
bool can_sample(const op::Operator& op);

/// Elements of each result, computed from the seeds alone (operand i holds what Backend::fill made of seed + i), in
/// time that hardly grows with the operator: of products eight blocks of 100, which are the crossings of ten rows and
/// ten columns, the first and last among them, or what there is; of what works row by row the first row, the last and
/// some between.
std::vector<Sample> sample(const op::Operator& op, std::uint64_t seed, std::int64_t split_k = 1);

}  // namespace gemmetry::measure
