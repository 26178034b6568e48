#pragma once

#include <vector>

#include "gemmetry/report/document.h"
#include "gemmetry/run/algorithm_use.h"

namespace gemmetry::cli {

/// Which algorithm each product and attention of each pass took: in JSON only, as they are many.
report::Section algorithms_section(const std::vector<run::AlgorithmUse>& uses);

}  // namespace gemmetry::cli
