#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/measuring_options.h"
#include "gemmetry/report/document.h"
#include "gemmetry/study/outcome.h"

namespace gemmetry::cli {

/// A study whose points are to be measured.
struct StudySweep {
  const study::Study* study;
  std::vector<study::Point>* points;  ///< thinned where the time is short
  std::size_t* left_out;              ///< how many were
};

/// What became of sweeps.
struct MeasuredStudies {
  std::vector<report::Section> sections;  ///< "device", and in "sweeps" one for each setting
  std::string database;                   ///< that the records are in: of several processes each has its own
};

/// Measures what the database lacks, one setting after the other; algorithms are tuned first where a series asks for
/// the best. Throws as MeasuringSession and run_sweep do.
MeasuredStudies measure_studies(const std::vector<StudySweep>& sweeps, const MeasuringOptions& options,
                                const study::SeriesSetting& asked, const Console& console);

/// Points of each series that are enough to draw it.
inline constexpr std::int64_t usual_study_points = 24;

/// --clocks and --algorithm of series that do not say.
void add_setting(CLI::App& app, study::SeriesSetting& asked);

}  // namespace gemmetry::cli
