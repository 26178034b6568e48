#include "gemmetry/calibrate/least_squares.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <unsupported/Eigen/NonLinearOptimization>

#include "gemmetry/base/parallel.h"

// A bounded parameter is searched as an angle: its place in the range is (1 + sin angle) / 2, as MINUIT does it. Times
// that are minima over tiles have kinks, and single precision in them: differences are taken over a step that is wide
// against both.

namespace gemmetry::calibrate {
namespace {

/// At its very ends the angle has no slope.
constexpr double margin = 0.01;
/// Of the angle.
constexpr double difference_step = 2e-3;
/// Of the range's low end, where that is 0.
constexpr double power = 3;
constexpr double tolerance = 1e-5;

double share_at(double angle) { return (1 + std::sin(angle)) / 2; }

double angle_of(double share) { return std::asin(2 * std::clamp(share, margin, 1 - margin) - 1); }

/// What Eigen's solver calls.
class Functor {
 public:
  using Scalar = double;
  using InputType = Eigen::VectorXd;
  using ValueType = Eigen::VectorXd;
  using JacobianType = Eigen::MatrixXd;
  enum { InputsAtCompileTime = Eigen::Dynamic, ValuesAtCompileTime = Eigen::Dynamic };

  Functor(const ResidualFunction& residuals, std::size_t count, std::span<const Range> ranges, std::size_t threads)
      : residuals_(residuals), count_(count), ranges_(ranges), threads_(threads) {}

  int inputs() const { return static_cast<int>(ranges_.size()); }
  int values() const { return static_cast<int>(count_); }

  std::vector<double> parameters(const InputType& angles) const {
    std::vector<double> x;
    for (std::size_t i = 0; i < ranges_.size(); ++i)
      x.push_back(value_at(ranges_[i], share_at(angles[static_cast<Eigen::Index>(i)])));
    return x;
  }

  int operator()(const InputType& angles, ValueType& values) const {
    residuals_(parameters(angles), {values.data(), count_});
    return 0;
  }

  int df(const InputType& angles, JacobianType& jacobian) const {
    ValueType here(static_cast<Eigen::Index>(count_));
    (*this)(angles, here);
    in_parallel(ranges_.size(), threads_, [&](std::size_t i) {
      const auto column = static_cast<Eigen::Index>(i);
      InputType moved = angles;
      moved[column] += difference_step;
      ValueType there(here.size());
      (*this)(moved, there);
      jacobian.col(column) = (there - here) / difference_step;
    });
    return 0;
  }

 private:
  const ResidualFunction& residuals_;
  std::size_t count_;
  std::span<const Range> ranges_;
  std::size_t threads_;
};

}  // namespace

double share_of(const Range& range, double value) {
  const double inside = std::clamp(value, range.low, range.high);
  if (range.low > 0) return std::log(inside / range.low) / std::log(range.high / range.low);
  return std::pow((inside - range.low) / (range.high - range.low), 1 / power);
}

double value_at(const Range& range, double share) {
  const double inside = std::clamp(share, 0.0, 1.0);
  if (range.low > 0) return std::clamp(range.low * std::pow(range.high / range.low, inside), range.low, range.high);
  return range.low + (range.high - range.low) * std::pow(inside, power);
}

LeastSquares least_squares(const ResidualFunction& residuals, std::size_t count, std::span<const Range> ranges,
                           std::span<const double> start, const LeastSquaresOptions& options) {
  Functor functor(residuals, count, ranges, options.threads);
  Eigen::VectorXd angles(static_cast<Eigen::Index>(start.size()));
  for (std::size_t i = 0; i < start.size(); ++i)
    angles[static_cast<Eigen::Index>(i)] = angle_of(share_of(ranges[i], start[i]));

  LeastSquares result;
  Eigen::LevenbergMarquardt<Functor> solver(functor);
  solver.parameters.ftol = tolerance;
  solver.parameters.xtol = tolerance;
  solver.parameters.factor = 1;  // a first step of the angles' own size
  using Eigen::LevenbergMarquardtSpace::Running;
  if (solver.minimizeInit(angles) != Eigen::LevenbergMarquardtSpace::ImproperInputParameters)
    while (result.steps < options.most_steps) {
      ++result.steps;
      if (solver.minimizeOneStep(angles) != Running) break;
    }
  result.x = functor.parameters(angles);
  std::vector<double> values(count);
  residuals(result.x, values);
  for (const double value : values) result.sum += value * value;
  return result;
}

}  // namespace gemmetry::calibrate
