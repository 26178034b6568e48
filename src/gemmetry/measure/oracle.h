#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/measure/operands.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// One float64 array for each operand, in the order of operands(op).
using Arrays = std::vector<std::vector<double>>;

/// What an array has to hold: the exact results, and for each the error that a right kernel may have made before it
/// rounds it to the operand's element. See tolerance.h.
struct Expected {
  std::vector<double> values;
  std::vector<double> errors;

  Expected() = default;
  explicit Expected(std::size_t size) : values(size), errors(size) {}
  void set(std::size_t index, double value, double error) {
    values[index] = value;
    errors[index] = error;
  }
};

/// The results of the operator from its operands, one for each operand, empty for those that are only read. Inputs hold
/// what the device reads, rounded to their elements; operands that are read and written their values before. What the
/// forward pass left (Fill::forward) is computed here and may be empty. `split_k`: partial sums that a product rounds
/// to its result's element (AlgorithmInfo::split_k). Throws Error for a collective.
std::vector<Expected> expect(const op::Operator& op, const Arrays& operands, std::int64_t split_k = 1);

/// The values alone.
Arrays oracle(const op::Operator& op, const Arrays& operands);

}  // namespace gemmetry::measure
