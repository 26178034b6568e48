#pragma once

#include <string>

#include "gemmetry/report/chart.h"
#include "gemmetry/report/text.h"

namespace gemmetry::report {

/// The chart in characters: lines of braille dots with a symbol each, axes with ticks, a legend below. Lines of the
/// first style are full, others dotted with hollow symbols. A missing point is a mark on the axis. `height` is that of
/// the plane in lines; the width is the style's, or 100.
std::string to_plot(const Chart& chart, const TextStyle& style, int height = 16);

}  // namespace gemmetry::report
