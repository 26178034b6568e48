#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gemmetry/cli/console.h"
#include "gemmetry/cli/interrupt.h"
#include "gemmetry/cli/measuring_session.h"
#include "gemmetry/measure/tuning_table.h"

namespace gemmetry::cli {

/// One operator's choice; without one: why there is none.
struct TunedOperator {
  op::Operator op;
  std::optional<measure::TunedAlgorithm> tuned;
  bool present = false;  ///< the table had it
  std::string reason;
};

/// Chooses the best of so many proposals for each operator and writes it to the table's file, with progress on a
/// terminal; what the table has is kept unless `again`. Ends early, with what there is, when it is interrupted. Throws
/// DeviceLost.
std::vector<TunedOperator> tune(std::span<const op::Operator> ops, MeasuringSession& session, const std::string& path,
                                std::int64_t candidates, bool again, const Interrupt& interrupt,
                                const Console& console);

}  // namespace gemmetry::cli
