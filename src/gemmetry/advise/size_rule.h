#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "gemmetry/advise/case.h"

namespace gemmetry::advise {

/// A size that should split over the ranks into aligned parts.
struct SizeRule {
  std::string subject;    ///< "v/t"
  std::string what;       ///< "vocabulary"
  std::int64_t size = 0;  ///< before the split
  bool grows_only = false;
  bool padded = false;  ///< a split that is not even pads the last rank and is not impossible
  /// Whether the case's base has the nearest size that splits when this one does not, so that aligned sizes can be
  /// priced against it.
  bool in_base = true;
  /// The case's base with this size; absent where no consistent shape has it.
  std::function<std::optional<shape::Model>(std::int64_t)> with;
};

/// Grades the part of one rank against both thresholds and prices the nearest sizes that keep them.
Finding judge_size(const Case& of, const SizeRule& rule);

}  // namespace gemmetry::advise
