#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "gemmetry/study/evidence.h"
#include "gemmetry/study/verdict.h"

// The words of a verdict's reason.

namespace gemmetry::study {

/// "1.82", "1.00", "0.0350", "3120".
std::string number_text(double number);

/// "8.1 %", "93 %".
std::string percent_text(double share);

/// "1 point", "31 points".
std::string count_text(std::size_t count, std::string_view noun);

/// "; 3 points are missing", nothing if none is.
std::string missing_text(std::size_t missing);

/// Claims need points: why these are too few for that, of which `needed` says what it takes.
Verdict not_tested(const Samples& samples, std::string_view needed);

}  // namespace gemmetry::study
