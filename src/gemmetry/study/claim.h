#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gemmetry/study/expression.h"

namespace gemmetry::study {

/// One number from several values.
enum class Take { median, mean, lowest, highest };

/// Which points of a study.
struct Selection {
  std::string series;               ///< label; empty: all
  std::optional<Expression> where;  ///< of a point's variables
};

/// y of some points over y of others.
struct RatioCondition {
  Selection of, over;
  Take take = Take::median;
  std::optional<Expression> match;  ///< points with one value of it are compared with each other; then `take` of ratios
  std::optional<double> at_least, at_most;
};

enum class Direction { up, down };

/// The median y of points with one value of `by` goes up (down) with it.
struct OrderingCondition {
  Selection of;
  Expression by;
  Direction direction = Direction::up;
};

/// y goes up (down) along x within every line of the chart: at so large a share of steps.
struct MonotoneCondition {
  Selection of;
  Direction direction = Direction::up;
  double share = 0.9;
};

/// y falls where x passes a multiple of the period, and hardly elsewhere.
struct PeriodCondition {
  Selection of;
  Expression period;
  double fall = 0.02;  ///< at least, relative, at the median multiple
};

/// From an x on, y of each line stays within a share of that line's highest.
struct SaturationCondition {
  Selection of;
  Expression from;
  double within = 0.1;
};

/// Time is a straight line over an expression: no point lies further off, relative to the largest.
struct LinearCondition {
  Selection of;
  Expression along;
  double within = 0.05;
};

using Condition = std::variant<RatioCondition, OrderingCondition, MonotoneCondition, PeriodCondition,
                               SaturationCondition, LinearCondition>;

/// Something the source says, and how a machine tells whether it is so.
struct Claim {
  std::string id;    ///< within the study: "cliff_at_8"
  std::string text;  ///< in one sentence, as the source means it
  Condition condition;
  double tolerance = 0.02;                         ///< relative: what noise may take away
  std::optional<std::int64_t> sms = std::nullopt;  ///< it is about GPUs with so many streaming multiprocessors alone
};

}  // namespace gemmetry::study
