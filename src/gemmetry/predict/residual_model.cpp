#include "gemmetry/predict/residual_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

// Predicts: the logarithm of measured over structured time, from records: what the library's heuristics do that no
//           formula foresees.
// Formula:  weight x sum of trees over features.h; time = structured time x exp of it.
// Range:    the sizes and dtypes it was fitted to; from there its weight falls to 0 over four octaves of any size.
// Ignores:  what its features do not tell apart.
// Source:   trees that tools/train_residual.py fits with LightGBM, in data/calibration.

namespace gemmetry::predict {
namespace {

constexpr double fading_octaves = 4;
/// No operator is taken to be further than this from its structured estimate: trees do not extrapolate.
constexpr double most = 2;
constexpr double most_spread = 1.5;
/// Farther outside the range is not said more exactly: the interval is as wide as it gets.
constexpr float most_octaves = 64;

}  // namespace

ResidualModel::ResidualModel(std::string_view name, const gpu::Residual& residual, const std::string& calibration) {
  const auto known = feature_names(name);
  std::vector<std::size_t> positions;
  for (const std::string& feature : residual.features) {
    const auto found = std::ranges::find(known, feature);
    if (found == known.end())
      throw Error(fmt::format("calibration '{}': residual '{}' has the unknown feature '{}'{}; train it again",
                              calibration, name, feature,
                              did_you_mean(feature, std::vector<std::string>(known.begin(), known.end()))));
    positions.push_back(static_cast<std::size_t>(found - known.begin()));
    if (const auto range = residual.ranges.find(feature); range != residual.ranges.end())
      limits_.push_back(
          {positions.back(), static_cast<float>(range->second.low), static_cast<float>(range->second.high)});
  }
  trees_ = BoostedTrees(residual.trees, positions);
  spread_ = BoostedTrees(residual.spread, positions);
  for (const shape::Dtype dtype : residual.dtypes) dtypes_[static_cast<std::size_t>(dtype)] = true;
  for (std::size_t i = 0; i < errors_.size(); ++i) {
    const auto found = residual.errors.find(std::string(op::name(static_cast<op::ErrorClass>(i))));
    if (found != residual.errors.end()) errors_[i] = {found->second.shared, found->second.independent};
  }
}

Correction ResidualModel::correction(const Features& features, shape::Dtype dtype) const {
  Correction correction;
  if (!dtypes_[static_cast<std::size_t>(dtype)]) return correction;
  float outside = 0;
  for (const Limit& limit : limits_) {
    const float size = features[limit.position];
    outside = std::max({outside, limit.low - size, size - limit.high});
  }
  correction.octaves = static_cast<double>(std::min(outside, most_octaves));
  correction.weight = std::clamp(1 - correction.octaves / fading_octaves, 0.0, 1.0);
  if (correction.weight <= 0) return correction;
  correction.log_factor = correction.weight * std::clamp(trees_(features), -most, most);
  correction.log_spread = std::clamp(spread_(features), -most_spread, most_spread);
  return correction;
}

}  // namespace gemmetry::predict
