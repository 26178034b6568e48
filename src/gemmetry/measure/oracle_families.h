#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "gemmetry/measure/oracle.h"
#include "gemmetry/measure/tolerance.h"

// The oracle, operator by operator. See operands.cpp for what each of them computes.

namespace gemmetry::measure {

using Results = std::vector<Expected>;

Results expect(const op::Gemm& gemm, const Arrays& operands, std::int64_t split_k);
Results expect(const op::GroupedGemm& gemm, const Arrays& operands, std::int64_t split_k);
Results expect(const op::Attention& attention, const Arrays& operands);
Results expect(const op::Norm& norm, const Arrays& operands);
Results expect(const op::Softmax& softmax, const Arrays& operands);
Results expect(const op::CrossEntropy& cross_entropy, const Arrays& operands);
Results expect(const op::Activation& activation, const Arrays& operands);
Results expect(const op::Rotary& rotary, const Arrays& operands);
Results expect(const op::Residual& residual, const Arrays& operands);
Results expect(const op::Embedding& embedding, const Arrays& operands);
Results expect(const op::Optimizer& optimizer, const Arrays& operands);
Results expect(const op::Pointwise& pointwise, const Arrays& operands);

/// A value with the error it may have.
struct Uncertain {
  double value = 0;
  double error = 0;
};

/// The epilogue's part of an element of c, whose sum is given: + bias, GELU. `bias`: 0 where there is none.
Uncertain epilogue(const op::Gemm& gemm, Uncertain sum, double bias);

/// GELU in its tanh form, and its derivative.
double gelu(double x);
double gelu_slope(double x);

/// Index of element [row, column] in an array of so many columns.
inline std::size_t at(std::int64_t row, std::int64_t columns, std::int64_t column) {
  return static_cast<std::size_t>(row * columns + column);
}

}  // namespace gemmetry::measure
