#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "gemmetry/advise/best.h"
#include "gemmetry/advise/parameter_table.h"
#include "gemmetry/advise/pareto_front.h"
#include "gemmetry/advise/part_times.h"
#include "gemmetry/advise/space.h"

namespace gemmetry::advise {

/// What a scan of the space needs, shared by the threads.
struct ScanPlan {
  const Space& space;
  const shape::Workload& workload;
  const op::CostModel& costs;
  std::size_t keep = 0;                     ///< shapes kept in all
  std::size_t keep_widths = 0;              ///< FFN widths kept of one choice of hidden size, layers and heads
  const shape::Workload* decode = nullptr;  ///< with it, a Pareto front is kept
};

/// What the threads of a search share while it runs.
struct ScanState {
  std::atomic<std::int64_t> seen = 0;
  std::atomic<bool> stop = false;
};

/// One thread's walk over the shapes of one hidden size after another.
class Scan {
 public:
  Scan(const ScanPlan& plan, ScanState& state);

  /// Prices all shapes of that hidden size with one of these numbers of layers whose parameters are within the bounds.
  void run(const Choices& choices, std::span<const std::int64_t> layers);

  const Best& best() const { return best_; }
  const ParetoFront& front() const { return front_; }
  const std::vector<std::size_t>& products() const { return times_.products(); }

 private:
  void scan_heads(std::int64_t layers, std::size_t attention);
  void offer_tradeoff(const Found& found, double decode_time_s, double kv_bytes);

  const ScanPlan& plan_;
  ScanState& state_;
  shape::Model scratch_;
  const Choices* choices_ = nullptr;
  std::optional<ParameterTable> parameters_;
  PartTimes times_;
  std::optional<PartTimes> decode_times_;
  Best best_;
  Best best_widths_;
  ParetoFront front_;
};

/// How many shapes `Scan::run` will price.
std::int64_t count_candidates(const Space& space, const Choices& choices);

}  // namespace gemmetry::advise
