#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

/// What a step takes with an adapter of one rank.
struct AdapterCost {
  std::int64_t rank = 0;
  std::int64_t parameters = 0;  ///< of the adapter
  op::Interval time;            ///< seconds
  op::Ratio slowdown;           ///< time with the adapter over time without: 1 is none. Equal operators cancel.
};

/// Prices adapters of one kind in one model by rank: the whole step under the workload against the same step without.
class AdapterRanks {
 public:
  /// Refers to its arguments. `model` has no adapter.
  AdapterRanks(const shape::Model& model, const shape::Workload& workload, shape::AdapterKind kind,
               const op::CostModel& costs);

  /// From 1 to the model's hidden size.
  AdapterCost cost(std::int64_t rank);

  /// The largest rank up to the hidden size whose slow-down is at most 1 + `limit`, by its value or, `for_sure`, by the
  /// upper end of its interval; nothing when there is none. Every rank is tried from above, since one that no power of
  /// two divides may be slower than a larger one.
  std::optional<AdapterCost> largest(double limit, bool for_sure = false);

  /// The rank that slows down least, the smallest of equals.
  AdapterCost cheapest();

  double time_s() const { return time_.value; }  ///< without an adapter

 private:
  op::PricedProgram price(const shape::Model& model);

  const shape::Model& model_;
  const shape::Workload& workload_;
  shape::AdapterKind kind_;
  const op::CostModel& costs_;
  std::unordered_map<op::Operator, op::Cost, op::OperatorHash> known_;
  op::PricedProgram without_;
  op::Interval time_;
};

/// Ranks that papers and configs use, none above `largest`: powers of two, and LoRA's 10, 100 and 250.
std::vector<std::int64_t> usual_ranks(std::int64_t largest);

/// The multiple of 8 to which a rank is padded: of 16-bit elements, what a 128-bit access holds.
std::int64_t padded_rank(std::int64_t rank);

}  // namespace gemmetry::advise
