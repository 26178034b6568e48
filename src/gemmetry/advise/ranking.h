#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "gemmetry/advise/best.h"
#include "gemmetry/advise/search.h"
#include "gemmetry/op/cost_model.h"

namespace gemmetry::advise {

/// The steps of `model` under `workload`, lowered and priced.
op::PricedProgram priced_program(const shape::Model& model, const shape::Workload& workload,
                                 const op::CostModel& costs);

/// Makes candidates of the shapes a search found: lowered and priced in full, and compared with the given model and
/// with each other.
class Ranking {
 public:
  /// Refers to its arguments. `decode`: also its time per token and the KV bytes per token.
  Ranking(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs,
          const std::optional<shape::Workload>& decode);

  Candidate current() const { return current_; }

  /// The first `keep` of `found`, fastest first; of those that take the same time only the first. Groups are of
  /// candidates that cannot be told from the group's fastest.
  std::vector<Candidate> ranked(std::span<const Found> found, std::size_t keep) const;

  Candidate candidate(const Sizes& sizes) const;

 private:
  Candidate priced(const shape::Model& model, const op::PricedProgram& program) const;

  const shape::Model& model_;
  const shape::Workload& workload_;
  const op::CostModel& costs_;
  const std::optional<shape::Workload>& decode_;
  op::PricedProgram program_;
  Candidate current_;
};

}  // namespace gemmetry::advise
