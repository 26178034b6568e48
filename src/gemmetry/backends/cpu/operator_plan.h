#pragma once

#include <vector>

#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/backend.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::backends::cpu {

/// An operator and the loops that compute it.
class CpuPlan : public measure::Plan {
 public:
  CpuPlan(const op::Operator& op, Multiplier multiplier);

  const measure::AlgorithmInfo& algorithm() const noexcept override { return algorithm_; }

  std::size_t operand_count() const { return operands_.size(); }

  void run(void* const* operands, void* workspace) const;

  /// Makes the operands with Fill::forward.
  void prepare(void* const* operands, void* workspace) const;

 private:
  op::Operator op_;
  Multiplier multiplier_;
  std::vector<measure::Operand> operands_;
  measure::AlgorithmInfo algorithm_;
};

/// Whether these loops can compute the operator; not ok: why not.
measure::Status supports(const op::Operator& op, Multiplier multiplier);

/// The choices there are for the operator, the first being the one to take.
std::vector<Multiplier> multipliers(const op::Operator& op);

/// The key of AlgorithmInfo.
const char* key_of(Multiplier multiplier);

}  // namespace gemmetry::backends::cpu
