#pragma once

#include <cstddef>

#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cpu {

/// A plan of this backend: runs its loops at once.
class CpuPlan : public measure::Plan {
 public:
  const measure::AlgorithmInfo& algorithm() const noexcept final { return algorithm_; }

  virtual std::size_t operand_count() const = 0;

  virtual void run(void* const* operands, void* workspace) const = 0;

  /// Makes the operands with Fill::forward; most have none.
  virtual void prepare(void* const*, void*) const {}

 protected:
  measure::AlgorithmInfo algorithm_;
};

}  // namespace gemmetry::backends::cpu
