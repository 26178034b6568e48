#pragma once

#include <vector>

#include "gemmetry/cli/exit_code.h"
#include "gemmetry/measure/recordings.h"
#include "gemmetry/report/document.h"

namespace gemmetry::cli {

/// What recordings answer where a device would measure.
struct RecordedAnswer {
  report::Document document;
  ExitCode code = exit_ok;  ///< a finding where an operator has no record
};

/// The records of the operators at a setting, in their order, and why others have none.
RecordedAnswer answer(const measure::Recordings& recordings, const measure::Setting& setting,
                      const std::vector<op::Operator>& ops);

}  // namespace gemmetry::cli
