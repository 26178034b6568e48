#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace gemmetry::report {

/// What a number counts: decides how it is scaled on screen. JSON and CSV always hold the plain SI number.
enum class Unit {
  none,
  count,  ///< large counts, as 6.74 G
  seconds,
  flop,
  flop_per_s,
  bytes,   ///< traffic, in powers of ten
  memory,  ///< capacity, in powers of two
  bytes_per_s,
  hertz,
  watts,
  fraction,  ///< per cent on screen
  factor,    ///< as 1.68x
  days,
};

/// A number with its 90 % interval.
struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// A value that belongs here but that nobody knows: null in JSON.
struct Unknown {};

/// One cell. std::monostate: the column does not apply to this row; JSON leaves the key out. Several numbers or
/// words are a list in JSON and have blanks between them in CSV.
using Value = std::variant<std::monostate, Unknown, bool, std::int64_t, double, std::string, Interval,
                           std::vector<double>, std::vector<std::string>>;

/// How a cell stands out on a terminal with colours.
enum class Tone { plain, good, warn, bad, faint };

}  // namespace gemmetry::report
