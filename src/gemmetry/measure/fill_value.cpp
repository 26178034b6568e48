#include "gemmetry/measure/fill_value.h"

#include <limits>

#include "gemmetry/measure/random_data.h"
#include "gemmetry/measure/rounding.h"

namespace gemmetry::measure {

float fill_value(const Operand& operand, std::uint64_t seed, std::int64_t index) {
  const std::uint64_t at = static_cast<std::uint64_t>(index);
  switch (operand.fill) {
    case Fill::uniform:
      return rounded(operand.element, random_uniform(seed, at));
    case Fill::positive:
      return rounded(operand.element, random_positive(seed, at));
    case Fill::index:
      return static_cast<float>(random_index(seed, at, operand.limit));
    case Fill::flag:
      return random_flag(seed, at);
    case Fill::none:
    case Fill::forward:
      break;
  }
  if (operand.element == Element::byte) return 0xff;
  return operand.element == Element::int32 ? -1.0f : std::numeric_limits<float>::quiet_NaN();
}

std::vector<double> fill_values(const Operand& operand, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(operand.elements()));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<double>(fill_value(operand, seed, static_cast<std::int64_t>(i)));
  return values;
}

}  // namespace gemmetry::measure
