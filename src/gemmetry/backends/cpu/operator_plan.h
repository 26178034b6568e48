#pragma once

#include <vector>

#include "gemmetry/backends/cpu/cpu_plan.h"
#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::backends::cpu {

/// An operator and the loops that compute it.
class OperatorPlan final : public CpuPlan {
 public:
  OperatorPlan(const op::Operator& op, Multiplier multiplier);

  std::size_t operand_count() const override { return operands_.size(); }
  void run(void* const* operands, void* workspace) const override;
  void prepare(void* const* operands, void* workspace) const override;

 private:
  op::Operator op_;
  Multiplier multiplier_;
  std::vector<measure::Operand> operands_;
};

/// Whether these loops can compute the operator; not ok: why not.
measure::Status supports(const op::Operator& op, Multiplier multiplier);

/// The choices there are for the operator, the first being the one to take.
std::vector<Multiplier> multipliers(const op::Operator& op);

/// The key of AlgorithmInfo.
const char* key_of(Multiplier multiplier);

}  // namespace gemmetry::backends::cpu
