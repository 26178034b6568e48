#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/gpu/node.h"
#include "gemmetry/op/cost_model.h"

namespace gemmetry::predict {

/// How kernels reach the GPU.
enum class Launch {
  graph,   ///< captured once, replayed: short gaps (CUDA graphs)
  stream,  ///< one by one from the host: a kernel cannot start sooner than the host launches it
};

/// How a library is taken to run one product on this GPU.
struct GemmPlan {
  std::int64_t power_of_two = 1;  ///< largest power of two dividing the contiguous dimensions of all three matrices
  double alignment_efficiency = 1;
  std::int64_t tile_m = 0;  ///< rows of c one thread block (or cluster of them) computes; of c^T when `swapped`
  std::int64_t tile_n = 0;
  std::int64_t split_k = 1;
  bool swapped = false;
  std::int64_t tiles = 0;         ///< output tiles x batch x split_k
  std::int64_t waves = 0;         ///< whole waves over the SMs
  double last_wave_use = 1;       ///< share of the SMs busy in the last wave
  double tensor_time_s = 0;       ///< multiplying
  double memory_time_s = 0;       ///< moving operands and result
  double fixed_time_s = 0;        ///< launch, prologue, epilogue
  double time_s = 0;
  op::Bound bound = op::Bound::tensor;
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

  GemmPlan plan(const op::Gemm& gemm) const;

  const gpu::Gpu& gpu() const { return gpu_; }
  const gpu::Node& node() const { return node_; }
  const gpu::Calibration& calibration() const { return calibration_; }
  const Options& options() const { return options_; }

 private:
  gpu::Gpu gpu_;
  gpu::Node node_;
  gpu::Calibration calibration_;
  Options options_;
};

}  // namespace gemmetry::predict
