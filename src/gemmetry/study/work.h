#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "gemmetry/study/point.h"

namespace gemmetry::study {

/// What a point runs.
struct Work {
  std::vector<CountedOperator> operators;
  double tokens = 0;
  std::vector<CountedOperator> of = {};      ///< of the part that a share is of; empty where none is asked for
  std::optional<measure::Whole> whole = {};  ///< absent where operators are priced one by one
  std::vector<op::Module> modules = {};      ///< of the whole, whose share is asked for
};

/// Makes a point's work from its variables; Error naming what is impossible.
using Maker = std::function<Work(const Variables&)>;

}  // namespace gemmetry::study
