#pragma once

#include <cstdint>
#include <vector>

#include "gemmetry/measure/operands.h"

namespace gemmetry::backends::cpu {

/// An operand as the kernels take it: in fp32. Tokens and masks are whole numbers, taken as they lie.
struct Array {
  float* values = nullptr;  ///< null for whole numbers
  void* stored = nullptr;

  const std::int32_t* indices() const { return static_cast<const std::int32_t*>(stored); }
  std::uint8_t* bytes() const { return static_cast<std::uint8_t*>(stored); }
};

using Arrays = std::vector<Array>;

/// Bytes of workspace in which the operands that are narrower than fp32 stand widened.
std::int64_t widened_bytes(const std::vector<measure::Operand>& operands);

/// The operands' arrays: fp32 where they lie, others widened into the workspace. Only what is read is filled.
Arrays widen(const std::vector<measure::Operand>& operands, void* const* buffers, void* workspace);

/// Rounds an operand back into its buffer.
void narrow(const measure::Operand& operand, const Array& array);

}  // namespace gemmetry::backends::cpu
