#include "gemmetry/study/wording.h"

#include <fmt/format.h>

#include <cmath>

namespace gemmetry::study {

std::string number_text(double number) {
  return std::abs(number) < 99.95 ? fmt::format("{:#.3g}", number) : fmt::format("{:.0f}", number);
}

std::string percent_text(double share) {
  const double percent = 100 * share;
  return std::abs(percent) < 9.95 ? fmt::format("{:.1f} %", percent) : fmt::format("{:.0f} %", percent);
}

std::string count_text(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string missing_text(std::size_t missing) {
  return missing == 0 ? "" : fmt::format("; {} {} missing", count_text(missing, "point"), missing == 1 ? "is" : "are");
}

Verdict not_tested(const Samples& samples, std::string_view needed) {
  Verdict verdict;
  verdict.points = samples.known.size();
  if (samples.known.empty() && samples.missing == 0)
    verdict.reason = fmt::format("no point is selected; {}", needed);
  else if (samples.scattered > 0)
    verdict.reason = fmt::format("only {} of {} known: {}", samples.scattered,
                                 count_text(samples.scattered + samples.missing, "point"), samples.why);
  else if (samples.known.empty())
    verdict.reason = fmt::format("none of {} is known: {}", count_text(samples.missing, "point"), samples.why);
  else
    verdict.reason = fmt::format("{} known, {}{}", samples.known.size(), needed, missing_text(samples.missing));
  return verdict;
}

}  // namespace gemmetry::study
