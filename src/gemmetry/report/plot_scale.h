#pragma once

#include <string>
#include <vector>

namespace gemmetry::report {

/// Places numbers along an axis, from 0 at its start to 1 at its end.
struct PlotScale {
  double low = 0;
  double high = 1;
  bool log = false;

  double place(double number) const;
};

/// The scale over these numbers. A linear one that starts at zero does so where `from_zero`; a log one leaves out what
/// is not positive.
PlotScale plot_scale(const std::vector<double>& numbers, bool log, bool from_zero);

/// Round numbers within the scale: at most about `most`, at steps of 1, 2 or 5 times a power of ten; powers of two on a
/// log scale.
std::vector<double> ticks(const PlotScale& scale, int most);

/// A tick in so many digits as tell it from its neighbours: "2048", "0.25", "1e+09".
std::string tick_text(double number);

}  // namespace gemmetry::report
