#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/advise/rules.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::advise {

/// What the rules of one tensor-parallel degree share: the model as asked, what they price against, and the thresholds.
class Case {
 public:
  /// Refers to its arguments.
  Case(const shape::Model& model, const shape::Workload& workload, const op::CostModel& costs, const gpu::Gpu& gpu,
       bool one_of_several = false);

  const shape::Model& model() const { return model_; }
  const shape::Workload& workload() const { return workload_; }
  const gpu::Gpu& gpu() const { return gpu_; }
  std::int64_t tensor_parallel() const { return workload_.tensor_parallel; }

  /// Whether the degree is one of several looked at, rather than the user's choice, which may be judged itself.
  bool one_of_several() const { return one_of_several_; }

  /// The model as asked, or where the workload cannot split it the nearest that it can.
  const shape::Model& base() const { return base_; }
  bool possible() const { return possible_; }

  /// Elements from which alignment gains nothing: the paper's, and this GPU's own for the workload's dtype.
  static constexpr std::int64_t paper_threshold = 64;
  std::int64_t gpu_threshold() const { return gpu_threshold_; }

  /// A finding with what all have in common.
  Finding finding(std::string subject) const;

  /// What `changed` saves against `base`, as a fraction of the time per token and active parameter of one GPU, with its
  /// 90 % interval; negative when it is slower. Normalised so, a larger model or batch is neither blamed nor praised
  /// for its size. Absent when the change cannot run.
  std::optional<op::Interval> saving(const shape::Model& changed) const;
  /// The same of `base` under one workload against another.
  std::optional<op::Interval> saving(const shape::Workload& from, const shape::Workload& to) const;

  /// Seconds per token and active parameter of one GPU; absent when it cannot run.
  std::optional<double> normalised_time(const shape::Model& model) const;

 private:
  struct Priced {
    op::PricedProgram program;
    double work = 0;  ///< tokens times active parameters that one GPU deals with in a step
  };
  std::optional<Priced> price(const shape::Model& model, const shape::Workload& workload) const;
  op::Interval saving(const Priced& from, const Priced& to) const;

  const shape::Model& model_;
  const shape::Workload& workload_;
  const op::CostModel& costs_;
  const gpu::Gpu& gpu_;
  std::int64_t gpu_threshold_;
  bool one_of_several_;
  bool possible_;
  shape::Model base_;
  std::optional<Priced> priced_;
};

/// Keeps the larger saving; one that cannot be priced is the least.
void keep_larger(std::optional<op::Interval>& best, const std::optional<op::Interval>& other);

/// Costly when this GPU's threshold is missed, or when the cost is over 1 % at the low end of its interval; else a
/// note.
Verdict grade(bool gpu_threshold_met, const std::optional<op::Interval>& cost);

/// "would save 12.3 % (11.0 to 13.6) of the time per token", "would save nothing", or "cannot be priced".
std::string in_words(const std::optional<op::Interval>& saving);

}  // namespace gemmetry::advise
