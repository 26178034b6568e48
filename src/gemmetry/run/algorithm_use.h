#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/measure/backend.h"
#include "gemmetry/op/program.h"
#include "gemmetry/run/script.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::run {

/// The algorithm that a product or attention of a pass takes, in all layers of a kind.
struct AlgorithmUse {
  std::string pass;                  ///< a phase, or "verify": decode of several tokens a sequence
  std::string module;                ///< of the paper's Table II
  std::string detail;                ///< of the step
  std::int64_t rows = 0;             ///< of the pass
  std::int64_t batch = 1;            ///< of a product's arrays; attention's sequences
  std::int64_t m = 0;                ///< attention: queries of a sequence
  std::int64_t n = 0;                ///< attention: keys of a sequence
  std::int64_t k = 0;                ///< attention: dimension of a head
  measure::AlgorithmInfo algorithm;  ///< attention: split_k are the parts of the keys
};

/// Of a launch of a pass; nothing where it is neither.
std::optional<AlgorithmUse> algorithm_use(const shape::Workload& workload, const op::Step& step, const Work& work,
                                          const measure::AlgorithmInfo& algorithm);

}  // namespace gemmetry::run
