#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/gpu/residual.h"
#include "gemmetry/op/cost.h"
#include "gemmetry/predict/boosted_trees.h"
#include "gemmetry/predict/features.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::predict {

/// What a residual says of one operator.
struct Correction {
  double log_factor = 0;  ///< logarithm of what the structured time is multiplied by
  double weight = 0;      ///< 1 where the residual was fitted, 0 where it says nothing
  double octaves = 0;     ///< how far beyond the fitted range the farthest size lies, in powers of two
  double log_spread = 0;  ///< logarithm of how much wider than its class's the operator's error is
};

/// A learned correction of the structured estimates of one kind of operator. docs/models/residual.md.
class ResidualModel {
 public:
  /// Error naming the calibration and the feature when it is none of `feature_names(name)`.
  ResidualModel(std::string_view name, const gpu::Residual& residual, const std::string& calibration);

  Correction correction(const Features& features, shape::Dtype dtype) const;

  /// What is left of the error where the residual holds; none for classes that it was not fitted to.
  const std::optional<op::Uncertainty>& error(op::ErrorClass error_class) const {
    return errors_[static_cast<std::size_t>(error_class)];
  }

 private:
  struct Limit {
    std::size_t position;
    float low;
    float high;
  };

  BoostedTrees trees_;
  BoostedTrees spread_;
  std::vector<Limit> limits_;
  std::array<bool, 8> dtypes_{};
  std::array<std::optional<op::Uncertainty>, op::error_classes> errors_;
};

}  // namespace gemmetry::predict
