#pragma once

#include <map>
#include <vector>

#include "gemmetry/gpu/calibration.h"
#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/cost.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/predict/gemm_plan.h"
#include "gemmetry/predict/tile_menu.h"

namespace gemmetry::predict {

/// How long matrix products take. docs/models/gemm.md.
class GemmModel {
 public:
  GemmModel(const gpu::Gpu& gpu, const gpu::Calibration& calibration, gpu::Clocks clocks);

  /// Error if the GPU cannot multiply that dtype.
  GemmPlan plan(const op::Gemm& gemm) const;
  GemmPlan plan(const op::GroupedGemm& gemm) const;

 private:
  /// The kernels that take operands of one dtype at one alignment.
  struct Kernels {
    std::int64_t elements = 1;  ///< aligned to at least so many
    double efficiency = 1;
    bool aligned = true;  ///< by the library's best kernels; false: by those that take anything
    TileMenu menu;
  };
  /// c[m,n] += a[m,k] b[k,n], `batch` times, with the bytes each operand has in all.
  struct Product {
    double batch, m, n, k, a_bytes, b_bytes, c_bytes;
  };

  /// What goes between device memory and L2, and whether that is most of the operands.
  struct Traffic {
    double bytes;
    bool mostly_cold;
  };
  struct Work;

  void add_kernels(shape::Dtype dtype, const gpu::AlignmentEfficiencies& fitted, gpu::Clocks clocks);
  const Kernels& kernels_for(shape::Dtype dtype, std::int64_t power_of_two) const;
  GemmPlan plan(const Product& product, shape::Dtype dtype, std::int64_t power_of_two) const;
  Work work(const Product& product, const TileQuery& query, const TileChoice& choice, const Tile& tile,
            const gpu::GemmCoefficients& coefficients) const;
  Traffic traffic(const Product& product, const gpu::GemmCoefficients& coefficients) const;

  gpu::Gpu gpu_;
  gpu::GemmCoefficients aligned_;
  gpu::GemmCoefficients misaligned_;
  std::map<shape::Dtype, std::vector<Kernels>> kernels_;  ///< by dtype, ascending alignment
};

/// Largest power of two dividing the dimensions that are contiguous in memory, in elements of the operands.
std::int64_t power_of_two(const op::Gemm& gemm);
std::int64_t power_of_two(const op::GroupedGemm& gemm);

/// How a product's error hangs together with others'.
op::ErrorClass error_class(const op::Gemm& gemm, const GemmPlan& plan);
op::ErrorClass error_class(const op::GroupedGemm& gemm, const GemmPlan& plan);

}  // namespace gemmetry::predict
