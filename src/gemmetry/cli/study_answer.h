#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/study_device.h"
#include "gemmetry/report/document.h"
#include "gemmetry/study/verdict.h"

namespace gemmetry::cli {

/// What one device says of a study's points.
struct StudyAnswer {
  std::string device;  ///< as --device takes it
  std::string source;
  std::vector<study::Point> points;
  std::vector<study::Outcome> outcomes;  ///< of each of them
  std::vector<study::Verdict> verdicts;
  std::string command = {};  ///< that gives the points again, where it is known

  std::size_t missing() const;
};

StudyAnswer answer(const study::Study& study, std::vector<study::Point> points, StudyDevice& device,
                   const study::SeriesSetting& asked);

/// How a standing stands out.
report::Tone tone_of(study::Standing standing);

/// "3 of 5 hold, 1 in part": what became of the claims.
std::string standing_text(const std::vector<study::Verdict>& verdicts);

/// What a study is: the section "study".
report::Section study_section(const study::Study& study);

/// What each device is and how much of the study it knows: the section "devices".
report::Section answers_section(const std::vector<StudyAnswer>& answers);

/// Each point on each device, the section "points": all in JSON and CSV, on screen a few of each series.
std::vector<report::Section> points_sections(const study::Study& study, const std::vector<StudyAnswer>& answers);

/// At most so many of each device as one table, evenly.
report::Table points_table(const study::Study& study, const std::vector<StudyAnswer>& answers, std::size_t most);

/// One claim of a study as one device answers it.
struct JudgedClaim {
  const study::Study* study = nullptr;
  std::string device;
  study::Verdict verdict;
  std::string command;  ///< that gives its points again
};

/// "gemmetry study show NAME --device DEVICE --points 24": what gives a study's points again. `named` is how the study
/// was asked for: its name or a path.
std::string show_command(const std::string& named, const std::string& device, std::optional<std::int64_t> points,
                         const study::SeriesSetting& asked);

/// The section "claims".
report::Section claims_section(const std::vector<JudgedClaim>& claims);

}  // namespace gemmetry::cli
