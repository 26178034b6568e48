#pragma once

#include <string>
#include <vector>

#include "gemmetry/report/value.h"

namespace gemmetry::report {

/// A unit's step: numbers are divided by `size` and `name` is written behind them.
struct Scale {
  double size = 1;
  std::string name = {};
};

/// The scale in which a number of this size is shown: 2e-5 s in "µs".
Scale scale_of(double number, Unit unit);

/// All scales of a unit, from the smallest upward.
std::vector<Scale> scales(Unit unit);

/// A number on screen: three significant digits with its scaled unit ("12.3 µs", "842 TFLOP/s", "4.1 %", "1.68x").
/// Powers of ten (G = 1e9) but for Unit::memory (Gi = 2^30).
std::string shown(double number, Unit unit);

/// "12.3 ms (11.5..13.1)": value and ends share one scale.
std::string shown(const Interval& interval, Unit unit);

/// Any cell on screen: "-" where unknown, nothing where it does not apply. Control characters in texts become '?'.
std::string shown(const Value& value, Unit unit);

/// A cell in CSV: plain numbers that read back exactly, nothing where unknown, not applicable or not finite.
/// An interval's value alone.
std::string plain(const Value& value);

/// 2651553280 as "2,651,553,280".
std::string grouped(std::int64_t number);

/// The key of an end of a column's interval: ("time_s", "low") is "time_low_s", ("gain", "low") is "gain_low".
std::string interval_key(const std::string& key, const std::string& end);

}  // namespace gemmetry::report
