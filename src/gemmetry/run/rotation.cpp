#include "gemmetry/run/rotation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gemmetry::run {
namespace {

using shape::RotaryScaling;

/// Llama 3.1: long waves are stretched by the factor, short ones kept, those between blended.
double llama3_frequency(double frequency, const RotaryScaling& scaling) {
  const double turns = scaling.original_positions * frequency / (2 * std::numbers::pi);
  const double blend =
      (turns - scaling.low_frequency_factor) / (scaling.high_frequency_factor - scaling.low_frequency_factor);
  const double kept = std::clamp(blend, 0.0, 1.0);
  return kept * frequency + (1 - kept) * frequency / scaling.factor;
}

double frequency_of(const shape::Model& model, std::int64_t element) {
  const double exponent = 2 * static_cast<double>(element) / static_cast<double>(model.attention.rotary_dim);
  const double frequency = std::pow(model.constants.rotary_base, -exponent);
  const auto& scaling = model.constants.rotary_scaling;
  if (!scaling) return frequency;
  if (scaling->kind == RotaryScaling::Kind::llama3) return llama3_frequency(frequency, *scaling);
  return frequency / scaling->factor;
}

}  // namespace

std::vector<float> rotation_table(const shape::Model& model, std::int64_t positions) {
  const std::int64_t dim = model.attention.rotary_dim;
  std::vector<float> table(static_cast<std::size_t>(positions * dim));
  for (std::int64_t element = 0; element < dim / 2; ++element) {
    const double frequency = frequency_of(model, element);
    for (std::int64_t position = 0; position < positions; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      const auto at = static_cast<std::size_t>(position * dim + 2 * element);
      table[at] = static_cast<float>(std::cos(angle));
      table[at + 1] = static_cast<float>(std::sin(angle));
    }
  }
  return table;
}

}  // namespace gemmetry::run
