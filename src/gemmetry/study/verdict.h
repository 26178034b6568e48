#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/study/outcome.h"

namespace gemmetry::study {

enum class Standing { holds, holds_in_part, does_not_hold, not_tested };

/// What the points say of a claim.
struct Verdict {
  const Claim* claim = nullptr;
  Standing standing = Standing::not_tested;
  std::optional<double> merit;  ///< the figure that decided: a ratio, a share of steps, a relative distance
  std::string merit_name;       ///< "ratio of medians", "share of steps"
  std::string reason;           ///< one sentence
  std::size_t points = 0;       ///< that it rests on
};

/// A verdict for each claim of the study, in their order. Points and outcomes go together. `sms`: streaming
/// multiprocessors of the GPU that they are of; a claim about others is not tested. Absent: unknown, all are.
std::vector<Verdict> judge(const Study& study, const std::vector<Point>& points, const std::vector<Outcome>& outcomes,
                           std::optional<std::int64_t> sms = std::nullopt);

/// "holds", "holds in part", "does not hold", "could not be tested".
std::string_view name(Standing standing);

}  // namespace gemmetry::study
