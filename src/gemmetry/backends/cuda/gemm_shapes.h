#pragma once

#include <cstdint>

namespace gemmetry::backends::cuda {

/// Along the rows and the columns of the row-major result; 0: unknown.
struct GemmShape {
  std::int32_t m = 0;
  std::int32_t n = 0;
};

/// What cublasLtMatmulTile_t and cublasLtClusterShape_t values stand for. cuBLASLt is column-major and computes the
/// transposed product, so its rows are our columns.
GemmShape tile_of(std::uint32_t id);
GemmShape cluster_of(std::uint32_t id);

/// Buffers in shared memory, of a cublasLtMatmulStages_t; 0: chosen by the kernel.
std::int32_t stages_of(std::uint32_t id);

}  // namespace gemmetry::backends::cuda
