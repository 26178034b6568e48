#include "gemmetry/measure/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace gemmetry::measure {
namespace {

constexpr double confidence = 0.9;
constexpr double normal_quantile = 1.6448536269514722;  // of (1 + confidence) / 2
constexpr std::size_t exact_samples = 100;

std::vector<double> sorted(std::span<const double> samples) {
  assert(!samples.empty());
  std::vector<double> result(samples.begin(), samples.end());
  std::sort(result.begin(), result.end());
  return result;
}

/// The order statistic of that rank, from 0, between neighbours in proportion.
double at_rank(const std::vector<double>& ordered, double rank) {
  const double last = static_cast<double>(ordered.size() - 1);
  const double low = std::floor(std::clamp(rank, 0.0, last));
  const double part = std::clamp(rank, 0.0, last) - low;
  const auto index = static_cast<std::size_t>(low);
  return part > 0 ? ordered[index] + part * (ordered[index + 1] - ordered[index]) : ordered[index];
}

/// The rank from 0, counted from either end, at which the interval of the median of n samples ends.
double exact_rank(std::size_t n) {
  // Between the kth samples from both ends lies the median unless fewer than k of n fair coins fall on one side.
  const double size = static_cast<double>(n);
  double ways = std::exp2(-size);  // that exactly k - 1 do
  double coverage = 1 - 2 * ways;
  for (double k = 1;; ++k) {
    ways *= (size - k + 1) / k;
    const double narrower = coverage - 2 * ways;
    if (narrower < confidence) {
      const double excess = (coverage - confidence) / (coverage - narrower);
      const double part = (size - k) * excess / (k + (size - 2 * k) * excess);
      return k - 1 + part;
    }
    coverage = narrower;
  }
}

}  // namespace

double median(std::span<const double> samples) { return quantile(samples, 0.5); }

double quantile(std::span<const double> samples, double fraction) {
  return at_rank(sorted(samples), fraction * static_cast<double>(samples.size() - 1));
}

double geometric_mean(std::span<const double> samples) {
  assert(!samples.empty());
  double sum = 0;
  for (const double sample : samples) sum += std::log(sample);
  return std::exp(sum / static_cast<double>(samples.size()));
}

Interval median_interval(std::span<const double> samples) {
  const std::vector<double> ordered = sorted(samples);
  const std::size_t n = ordered.size();
  if (n < least_samples) return {ordered.front(), ordered.back()};
  const double last = static_cast<double>(n - 1);
  const double rank = n <= exact_samples ? exact_rank(n) : (last - normal_quantile * std::sqrt(last + 1)) / 2;
  return {at_rank(ordered, rank), at_rank(ordered, last - rank)};
}

double median_precision(std::span<const double> samples) {
  if (samples.size() < least_samples) return 1;
  const double middle = median(samples);
  const Interval interval = median_interval(samples);
  if (interval.low == interval.high) return 0;
  return middle > 0 ? std::min(1.0, (interval.high - interval.low) / (2 * middle)) : 1;
}

}  // namespace gemmetry::measure
