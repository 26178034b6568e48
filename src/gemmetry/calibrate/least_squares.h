#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace gemmetry::calibrate {

/// Where a parameter may lie, low < high. Above 0 its logarithm is what is searched.
struct Range {
  double low = 0;
  double high = 1;
};

/// The residuals at x; called from several threads at once.
using ResidualFunction = std::function<void(std::span<const double> x, std::span<double> residuals)>;

struct LeastSquaresOptions {
  std::size_t threads = 1;
  int most_steps = 40;
};

struct LeastSquares {
  std::vector<double> x;  ///< within the ranges
  double sum = 0;         ///< of the squares
  int steps = 0;
};

/// The x within its ranges with the least sum of squares near `start`: Levenberg and Marquardt's method (MINPACK's, as
/// Eigen has it) with differences for derivatives. Nothing in it is random.
LeastSquares least_squares(const ResidualFunction& residuals, std::size_t count, std::span<const Range> ranges,
                           std::span<const double> start, const LeastSquaresOptions& options = {});

/// A parameter's place in its range, 0 to 1, and back: even in the logarithm where the range is above 0, and denser
/// towards its low end otherwise.
double share_of(const Range& range, double value);
double value_at(const Range& range, double share);

}  // namespace gemmetry::calibrate
