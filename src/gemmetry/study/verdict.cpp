#include "gemmetry/study/verdict.h"

#include <fmt/format.h>

#include <cassert>
#include <variant>

#include "gemmetry/study/condition.h"

namespace gemmetry::study {

std::vector<Verdict> judge(const Study& study, const std::vector<Point>& points, const std::vector<Outcome>& outcomes,
                           std::optional<std::int64_t> sms) {
  assert(points.size() == outcomes.size());
  const Evidence evidence{study, points, outcomes};
  std::vector<Verdict> verdicts;
  for (const Claim& claim : study.claims) {
    Verdict verdict;
    if (claim.sms && sms && *claim.sms != *sms)
      verdict.reason = fmt::format("it is about GPUs with {} SMs, this one has {}", *claim.sms, *sms);
    else
      verdict = std::visit([&](const auto& condition) { return judge(condition, claim.tolerance, evidence); },
                           claim.condition);
    verdict.claim = &claim;
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::holds:
      return "holds";
    case Standing::holds_in_part:
      return "holds in part";
    case Standing::does_not_hold:
      return "does not hold";
    case Standing::not_tested:
      return "could not be tested";
  }
  return "?";
}

}  // namespace gemmetry::study
