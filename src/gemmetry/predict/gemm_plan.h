#pragma once

#include <cstdint>

#include "gemmetry/op/cost.h"

namespace gemmetry::predict {

/// How a library is taken to run one product on a GPU, and what that takes. docs/models/gemm.md has the formula.
struct GemmPlan {
  std::int64_t power_of_two = 1;    ///< largest power of two dividing the contiguous dimensions of all three matrices
  double alignment_efficiency = 1;  ///< of the tensor cores at that alignment
  std::int64_t tile_m = 0;          ///< rows of c one thread block computes; of c^T when `swapped`
  std::int64_t tile_n = 0;
  std::int64_t split_k = 1;
  bool swapped = false;
  std::int64_t tiles = 0;    ///< output tiles x batch x split_k; 2^62 stands for anything larger
  std::int64_t waves = 0;    ///< whole waves over the SMs
  double last_wave_use = 1;  ///< share of the SMs busy in the last wave
  double fill = 1;           ///< share of the SMs busy over all waves
  double tensor_time_s = 0;  ///< multiplying, operands and results of the tiles moved on the way
  double memory_time_s = 0;  ///< moving operands and result between device memory and L2
  double fixed_time_s = 0;   ///< launch, prologue, first bytes, combining a split k
  double time_s = 0;
  double memory_bytes = 0;  ///< of `memory_time_s`: what is not found in L2
  op::Bound bound = op::Bound::tensor;
};

}  // namespace gemmetry::predict
