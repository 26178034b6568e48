#include "gemmetry/run/serve/lengths.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/random_data.h"

namespace gemmetry::run {
namespace {

/// Uniform inside (0, 1).
double uniform(std::uint64_t seed, std::uint64_t index) {
  return (static_cast<double>(measure::random_word(seed, index)) + 0.5) / 4294967296.0;
}

double normal(std::uint64_t seed, std::uint64_t index) {
  return std::sqrt(-2 * std::log(uniform(seed, 2 * index))) *
         std::cos(2 * std::numbers::pi * uniform(seed, 2 * index + 1));
}

}  // namespace

std::string_view name(LengthKind kind) {
  constexpr std::string_view names[] = {"fixed", "uniform", "lognormal"};
  return names[static_cast<std::size_t>(kind)];
}

std::int64_t Lengths::at(std::uint64_t seed, std::uint64_t index) const {
  std::int64_t length = mean;
  if (kind == LengthKind::uniform)
    length = 1 + static_cast<std::int64_t>(uniform(seed, index) * static_cast<double>(2 * mean - 1));
  if (kind == LengthKind::lognormal) {
    const double median = static_cast<double>(mean) * std::exp(-spread * spread / 2);
    length = std::llround(std::min(median * std::exp(spread * normal(seed, index)), 1e15));
  }
  return std::clamp<std::int64_t>(length, 1, most);
}

void require_valid(const Lengths& lengths, std::string_view what) {
  if (lengths.mean < 1) throw Error(fmt::format("{} of {} tokens on average: state at least 1", what, lengths.mean));
  if (lengths.most < 1) throw Error(fmt::format("{} of at most {} tokens: state at least 1", what, lengths.most));
  if (!(lengths.spread >= 0 && lengths.spread <= 5))
    throw Error(fmt::format("{} with a spread of {}: state one from 0 to 5", what, lengths.spread));
}

}  // namespace gemmetry::run
