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

void fill_values(const Operand& operand, std::uint64_t seed, std::int64_t first, std::int64_t stride,
                 std::span<double> values) {
  const auto each = [&](auto value_at) {
    std::int64_t index = first;
    for (double& value : values) {
      value = static_cast<double>(value_at(index));
      index += stride;
    }
  };
  const auto uniform = [&](std::int64_t index) { return random_uniform(seed, static_cast<std::uint64_t>(index)); };
  // The large arrays, without a choice for each of their elements.
  if (operand.fill == Fill::uniform && operand.element == Element::bf16)
    each([&](std::int64_t index) { return float_from_bf16(bf16_from_float(uniform(index))); });
  else if (operand.fill == Fill::uniform && operand.element == Element::fp16)
    each([&](std::int64_t index) { return float_from_fp16(fp16_from_float(uniform(index))); });
  else if (operand.fill == Fill::uniform && operand.element == Element::fp8)
    each([&](std::int64_t index) { return float_from_e4m3(e4m3_from_float(uniform(index))); });
  else if (operand.fill == Fill::uniform && operand.element == Element::fp32)
    each(uniform);
  else
    each([&](std::int64_t index) { return fill_value(operand, seed, index); });
}

std::vector<double> fill_values(const Operand& operand, std::uint64_t seed) {
  std::vector<double> values(static_cast<std::size_t>(operand.elements()));
  fill_values(operand, seed, 0, 1, values);
  return values;
}

}  // namespace gemmetry::measure
