#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

enum class Verdict {
  ok,
  note,    ///< the paper's threshold is missed, this GPU's own is met: costs nothing measurable, or is no fault of the
           ///< shape
  costly,  ///< misses this GPU's threshold, or costs over 1 % beyond doubt; `cost` says how much
  impossible,  ///< the workload cannot run as asked
};

/// One rule of the paper (sections VI-B and VII) applied to one model under one workload.
struct Finding {
  std::string rule;     ///< stable key: "vocabulary", "head_dim", "tokens", "hidden_per_rank", "ffn_width", ...
  std::string section;  ///< of the paper: "VI-B", "VII-A", ...
  Verdict verdict = Verdict::ok;
  std::int64_t tensor_parallel = 1;  ///< degree this was checked at
  std::string subject;               ///< the quantity: "v/t"
  std::string value;                 ///< as found: "50257"
  std::string paper_threshold;       ///< "multiple of 64"
  std::string gpu_threshold;         ///< "multiple of 8 on h200"
  /// What keeping to the rule would save, as a fraction of the step's time per token and parameter, with its 90 %
  /// interval. Absent where the rule is kept or there is nothing to price. Of an impossible split: what the aligned
  /// size saves against the nearest that merely divides.
  std::optional<op::Interval> cost;
  std::string message;  ///< one sentence, with the fix
};

struct CheckOptions {
  std::vector<std::int64_t> tensor_parallel;  ///< degrees to check; empty: the workload's own
};

/// All rules, in the order of the paper, at each degree; then, over all degrees, portability. Never throws for an
/// impossible split: that is a finding. Error for a model or workload that is not valid.
std::vector<Finding> check(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs,
                           const gpu::Gpu& gpu, const CheckOptions& options);

std::string_view name(Verdict verdict);

}  // namespace gemmetry::advise
