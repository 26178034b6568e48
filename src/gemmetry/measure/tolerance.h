#pragma once

#include <cmath>
#include <cstdint>

#include "gemmetry/measure/element.h"
#include "gemmetry/shape/dtype.h"

// How far a right result may be from the exact one. A kernel that reads the same inputs, multiplies exactly, adds in
// fp32 in any order and rounds once stays within these bounds; a wrong element, a missing term or a wrong mask does
// not.
//
// Errors of sums are taken as a random walk over the terms' squares, with a margin of more than six deviations, since
// the worst case over all inputs would let a missing term pass: for random data the walk is as long as the terms'
// Euclidean norm, whatever cancels. Hardware's part: tensor cores cut (not round) what they add, 8 terms at a time and
// more, which drifts with the number of steps; Hopper's fp8 keeps 14 bits in them; tf32 cuts inputs to 10 bits.

namespace gemmetry::measure {

/// A sum of terms, and what is needed to tell the error of a computed one.
struct Sum {
  double value = 0;
  double squares = 0;        ///< of the terms
  double error_squares = 0;  ///< of the terms' own errors, which are independent of one another
  std::int64_t terms = 0;

  void add(double term, double error = 0) {
    value += term;
    squares += term * term;
    error_squares += error * error;
    ++terms;
  }
  double norm() const { return std::sqrt(squares); }
  /// Of the terms' own errors, each anywhere within its bound.
  double term_error() const { return std::fmin(3.0, std::sqrt(static_cast<double>(terms))) * std::sqrt(error_squares); }
};

/// Error of a sum made in fp32, one term at a time or in any tree, its terms' own errors included.
double sum_error(const Sum& sum);

/// Error of a sum of products of two inputs of this dtype made by its matrix units, and of `split_k` partial sums
/// rounded to the results' element before they are added (0 or 1: none are).
double product_error(const Sum& sum, shape::Dtype dtype, std::int64_t split_k = 1);

/// Error of so many additions in a buffer of such elements, each rounded to it, the numbers' magnitudes adding up to
/// `passed`.
double additions_error(Element element, double passed, double additions);

/// Largest relative error of rounding to the element a number that kernels keep in it between two products
/// (probabilities, gradients of scores).
double kept_error(shape::Dtype dtype);

/// Relative error of a few operations in fp32, the hardware's approximate exponential and reciprocal root among them.
inline constexpr double fp32_error = 0x1p-20;

/// Relative error of exp(argument), of which the argument's rounding is the larger part once it is large.
inline double exp_error(double argument) { return fp32_error + 0x1p-22 * std::fabs(argument); }

/// Error of the hardware's approximate tanh, which kernels use for narrow elements only and libraries for all.
inline constexpr double tanh_error = 0x1p-11;

/// How far an element may be from `value` that is computed with `error` and then rounded to it.
double bound(Element element, double value, double error);

/// The error of a result as a multiple of its bound: at most 1 is right. Infinite for NaN and for infinities where
/// there should be none.
double relative_error(Element element, double result, double value, double error);

}  // namespace gemmetry::measure
