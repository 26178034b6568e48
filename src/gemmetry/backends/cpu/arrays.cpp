#include "gemmetry/backends/cpu/arrays.h"

#include "gemmetry/measure/rounding.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Element;
using measure::Operand;
using measure::Use;

bool is_narrow(const Operand& operand) {
  return operand.element == Element::bf16 || operand.element == Element::fp16 || operand.element == Element::fp8;
}

}  // namespace

std::int64_t widened_bytes(const std::vector<Operand>& operands) {
  std::int64_t bytes = 0;
  for (const Operand& operand : operands)
    if (is_narrow(operand)) bytes += operand.elements() * measure::element_bytes(Element::fp32);
  return bytes;
}

Arrays widen(const std::vector<Operand>& operands, void* const* buffers, void* workspace) {
  Arrays arrays;
  float* free = static_cast<float*>(workspace);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    Array array{.stored = buffers[i]};
    if (operands[i].element == Element::fp32) array.values = static_cast<float*>(buffers[i]);
    if (is_narrow(operands[i])) {
      array.values = free;
      free += operands[i].elements();
      if (operands[i].use != Use::out)
        for (std::int64_t e = 0; e < operands[i].elements(); ++e)
          array.values[e] = measure::load(operands[i].element, buffers[i], e);
    }
    arrays.push_back(array);
  }
  return arrays;
}

void narrow(const Operand& operand, const Array& array) {
  if (!is_narrow(operand)) return;
  for (std::int64_t e = 0; e < operand.elements(); ++e)
    measure::store(operand.element, array.stored, e, array.values[e]);
}

}  // namespace gemmetry::backends::cpu
