#pragma once

#include <string>

#include "gemmetry/calibrate/sample.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// How many records are used, and why others are not.
report::Section sample_section(const calibrate::SampleCount& count);

/// "3 are of another GPU, ...", for an error where none is left.
std::string why_none(const calibrate::SampleCount& count);

}  // namespace gemmetry::cli
