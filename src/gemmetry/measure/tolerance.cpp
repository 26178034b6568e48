#include "gemmetry/measure/tolerance.h"

#include <algorithm>
#include <limits>

#include "gemmetry/measure/rounding.h"

namespace gemmetry::measure {
namespace {

/// Rounding of a step, and how many steps' worth of drift a term brings.
struct Accumulator {
  double step;
  double drift;
};

Accumulator accumulator_of(shape::Dtype dtype) {
  switch (dtype) {
    case shape::Dtype::bf16:
    case shape::Dtype::fp16:
      return {0x1p-23, 1.0 / 8};
    case shape::Dtype::tf32:
      return {0x1p-23, 1.0 / 4};
    case shape::Dtype::fp8:
      return {0x1p-13, 1.0 / 64};
    case shape::Dtype::fp32:
      return {0x1p-23, 0};
  }
  return {0x1p-23, 0};
}

double error_of(const Sum& sum, Accumulator accumulator) {
  const double terms = static_cast<double>(sum.terms);
  // The walk of a sum that ends at `value` passes numbers up to about the norm beyond it.
  const double reached = sum.norm() + std::fabs(sum.value);
  return accumulator.step * std::min(terms, 2 * std::sqrt(terms) + terms * accumulator.drift) * reached +
         sum.term_error();
}

}  // namespace

// One term at a time, terms of few different values (fp8 has about a hundred) are rounded alike again and again.
double sum_error(const Sum& sum) { return error_of(sum, {0x1p-23, 1.0 / 32}); }

double product_error(const Sum& sum, shape::Dtype dtype, std::int64_t split_k) {
  double error = error_of(sum, accumulator_of(dtype));
  // Cutting both inputs makes every product smaller by up to 2^-9 and by 2^-10 on average.
  if (dtype == shape::Dtype::tf32) error += 0x1p-10 * (std::fabs(sum.value) + 3 * sum.norm());
  if (split_k > 1)
    error += kept_error(dtype) * 3 * std::sqrt(static_cast<double>(split_k)) * (sum.norm() + std::fabs(sum.value));
  return error;
}

double additions_error(Element element, double passed, double additions) {
  return std::min(additions, 3 * std::sqrt(additions)) * half_ulp(element, passed);
}

double kept_error(shape::Dtype dtype) {
  switch (dtype) {
    case shape::Dtype::bf16:
      return 0x1p-8;
    case shape::Dtype::fp16:
      return 0x1p-11;
    case shape::Dtype::fp8:
      return 0x1p-4;
    case shape::Dtype::tf32:
      return 0x1p-10;
    case shape::Dtype::fp32:
      return 0x1p-24;
  }
  return 0;
}

double bound(Element element, double value, double error) {
  const double rounding = half_ulp(element, std::fabs(value) + error);
  constexpr double flushed = 0x1p-126;  // fast kernels write 0 for what lies below fp32's normal numbers
  return rounding == 0 ? error : error + rounding + flushed;
}

double relative_error(Element element, double result, double value, double error) {
  // Infinity and saturated numbers are right where they are the nearest there is.
  if (!std::isnan(value) && result == static_cast<double>(rounded(element, static_cast<float>(value)))) return 0;
  if (!std::isfinite(result) || !std::isfinite(value) || !std::isfinite(error))
    return std::numeric_limits<double>::infinity();
  const double difference = std::fabs(result - value);
  const double allowed = bound(element, value, error);
  if (difference == 0) return 0;
  return allowed > 0 ? difference / allowed : std::numeric_limits<double>::infinity();
}

}  // namespace gemmetry::measure
