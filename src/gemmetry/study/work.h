#pragma once

#include <functional>
#include <vector>

#include "gemmetry/study/point.h"

namespace gemmetry::study {

/// What a point runs.
struct Work {
  std::vector<CountedOperator> operators;
  double tokens = 0;
};

/// Makes a point's work from its variables; Error naming what is impossible.
using Maker = std::function<Work(const Variables&)>;

}  // namespace gemmetry::study
