#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/node.h"
#include "gemmetry/op/cost_model.h"
#include "gemmetry/predict/attention_model.h"
#include "gemmetry/predict/chain_model.h"
#include "gemmetry/predict/collective_model.h"
#include "gemmetry/predict/gemm_model.h"
#include "gemmetry/predict/gemm_plan.h"
#include "gemmetry/predict/pointwise_model.h"
#include "gemmetry/predict/power_model.h"
#include "gemmetry/predict/residual_model.h"

namespace gemmetry::predict {

/// How kernels reach the GPU.
enum class Launch {
  graph,   ///< captured once, replayed: short gaps (CUDA graphs)
  stream,  ///< one by one from the host: a kernel cannot start sooner than the host launches it
  chain,   ///< a decoding step as run::Decoder replays it (chain_model.h); a graph where that was not calibrated
};

/// The analytic CostModel: needs no GPU. See docs/models/*.md for the formulas.
class Predictor final : public op::CostModel {
 public:
  struct Options {
    gpu::Clocks clocks = gpu::Clocks::sustained;
    Launch launch = Launch::graph;
  };

  Predictor(gpu::Gpu gpu, gpu::Node node, gpu::Calibration calibration, Options options);

  /// The catalogue's GPU with its usual node and its own or its generation's calibration.
  static Predictor for_gpu(const std::string& name_or_path, Options options);

  op::Cost cost(const op::Operator& op) const override;
  std::string reason(const op::Operator& op) const override;
  std::string source() const override;

  /// What the structured model alone says, before the calibration's residual, power and the host's launches.
  double structured_time(const op::Operator& op) const;
  /// Values of `feature_names(op)`, in that order.
  std::vector<float> features(const op::Operator& op) const;

  /// How the product is taken to run; its times are those of `cost` before the host's launches.
  GemmPlan plan(const op::Gemm& gemm) const;
  GemmPlan plan(const op::GroupedGemm& gemm) const;

  const gpu::Gpu& gpu() const { return gpu_; }
  const gpu::Node& node() const { return node_; }
  const gpu::Calibration& calibration() const { return calibration_; }
  const Options& options() const { return options_; }

 private:
  /// What the structured model says, at the clock it is asked for.
  struct Structured {
    Estimate estimate;
    op::ErrorClass error_class;
  };
  /// What one execution takes before it is told how it is launched.
  struct Priced {
    double structured_s;
    double time_s;
    op::Bound bound;
    op::ErrorClass error_class;
    Correction correction;
    const ResidualModel* residual;  ///< null: none for such operators
  };

  /// Calls `take(structured, write_features)`; write_features fills a Features.
  template <class Take>
  auto structured(const op::Operator& op, Take take) const;
  double least_time(const op::Operator& op) const;
  Priced priced(const op::Operator& op) const;
  const ResidualModel* residual(const op::Operator& op) const;
  double slowdown(const op::Operator& op, const Structured& structured, double time_s) const;
  /// As one of a chain's kernels; absent: as by itself.
  std::optional<Estimate> chained(const op::Operator& op) const;
  op::Uncertainty uncertainty(const op::Operator& op, const Priced& priced) const;
  std::string range_text(const Priced& priced) const;

  gpu::Gpu gpu_;
  gpu::Node node_;
  gpu::Calibration calibration_;
  Options options_;
  GemmModel gemms_;
  AttentionModel attentions_;
  PointwiseModel pointwise_;
  CollectiveModel collectives_;
  std::array<op::Uncertainty, op::error_classes> errors_;
  std::vector<std::optional<ResidualModel>> residuals_;  ///< in the order of residual_names()
  std::optional<ChainModel> chain_;
  std::optional<PowerModel> power_;  ///< of sustained clocks; the models above are of burst then
};

}  // namespace gemmetry::predict
