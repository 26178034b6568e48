#pragma once

#include <span>

namespace gemmetry::measure {

// Of samples in any order. There must be at least one, unless said otherwise.

double median(std::span<const double> samples);

/// The value below which `fraction` of the samples lie, between neighbours in proportion (quantile(x, 0) is the least).
double quantile(std::span<const double> samples, double fraction);

/// Exponential of the logarithms' mean. Samples are positive.
double geometric_mean(std::span<const double> samples);

struct Interval {
  double low = 0;
  double high = 0;
};

/// Samples below which nothing is said of the median: the range of four holds it in 88 % of cases only.
inline constexpr int least_samples = 5;

/// The 90 % confidence interval of the median, from order statistics alone, so of any distribution: for up to a hundred
/// samples the exact binomial one, between neighbouring order statistics in proportion as Hettmansperger and Sheather
/// (1986) have it, beyond that the normal approximation of the binomial. Under least_samples: their range.
Interval median_interval(std::span<const double> samples);

/// Half the width of that interval relative to the median, at most 1; 1 for fewer than least_samples.
double median_precision(std::span<const double> samples);

}  // namespace gemmetry::measure
