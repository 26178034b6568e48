#pragma once

#include <string>
#include <vector>

#include "gemmetry/cli/measuring_options.h"
#include "gemmetry/measure/recordings.h"

namespace gemmetry::cli {

/// GPUs that there are recordings of, as they are named after "recorded:".
std::vector<std::string> recorded_gpus();

/// All that was recorded of a GPU: every CSV file below measured/GPU of the data folder. Error naming the GPUs there
/// are, or a wrong file with its line; NoDevice where the data is not here.
measure::Recordings load_recordings(const std::string& gpu);

/// Those of the device that the options name, which is a recorded one. Error too for options that only make sense where
/// something is measured.
measure::Recordings load_recordings(const MeasuringOptions& options);

}  // namespace gemmetry::cli
