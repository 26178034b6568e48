#include "gemmetry/measure/fill_value.h"

#include <limits>

#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/rounding.h"

namespace gemmetry::measure {

double fill_value(const Operand& operand, std::uint64_t seed, std::int64_t index) {
  const auto kept = [&](float value) { return static_cast<double>(rounded(operand.element, value)); };
  const std::uint64_t at = static_cast<std::uint64_t>(index);
  switch (operand.fill) {
    case Fill::uniform:
      return kept(random_uniform(seed, at));
    case Fill::positive:
      return kept(random_positive(seed, at));
    case Fill::index:
      return random_index(seed, at, operand.limit);
    case Fill::flag:
      return random_flag(seed, at);
    case Fill::none:
    case Fill::forward:
      break;
  }
  if (operand.element == Element::byte) return 0xff;
  return operand.element == Element::int32 ? -1 : std::numeric_limits<double>::quiet_NaN();
}

std::vector<double> fill_values(const Operand& operand, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(operand.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = fill_value(operand, seed, static_cast<std::int64_t>(i));
  return values;
}

}  // namespace gemmetry::measure
