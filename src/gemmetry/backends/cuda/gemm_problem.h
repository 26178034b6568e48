#pragma once

#include <cublasLt.h>

#include <string>
#include <vector>

#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

/// A product as cuBLASLt, which is column-major, sees it: c^T[n,m] = op(b)^T op(a)^T, so its A is our b, its B our a,
/// and its rows are our columns. Nothing is copied or turned: a row-major array is its transpose in column-major eyes.
class GemmProblem {
 public:
  /// Unsupported where a size is beyond the library's. Strides are those of measure::with_strides().
  static Status make(Libraries& libraries, const measure::ProductKernel& product, GemmProblem* problem);

  /// The library's choices within a workspace, best first; empty where it has none. At most `count`. Operands begin at
  /// multiples of `alignment` bytes.
  Status choices(std::int64_t workspace_bytes, int count, std::vector<cublasLtMatmulHeuristicResult_t>* found,
                 std::uint32_t alignment = 256) const;

  /// Whether the algorithm can run this; fills workspace and waves.
  bool fits(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulHeuristicResult_t* result) const;

  /// Whether the operands begin where the library's algorithms expect them.
  bool aligned(void* const* operands) const;

  /// The library's first choice within a workspace for operands that begin as these do; Unsupported without one.
  Status choice_for(void* const* operands, std::int64_t workspace_bytes, cublasLtMatmulAlgo_t* algorithm);

  /// Operands as measure::operands lists them.
  Status enqueue(const cublasLtMatmulAlgo_t& algorithm, void* const* operands, void* workspace,
                 std::int64_t workspace_bytes, cudaStream_t stream);

  /// Why the library has no kernel for this, as far as its rules are known.
  Status unsupported() const;

 private:
  Status set_vector(void* const* operands);

  op::Gemm gemm_;
  bool accumulate_ = false;
  bool residual_ = false;
  cublasLtHandle_t handle_ = nullptr;
  // Descriptors lie in place: they are made a thousand times a second. The library takes them by non-const pointer.
  mutable cublasLtMatmulDescOpaque_t product_ = {};
  mutable cublasLtMatrixLayoutOpaque_t a_ = {};
  mutable cublasLtMatrixLayoutOpaque_t b_ = {};
  mutable cublasLtMatrixLayoutOpaque_t c_ = {};
};

}  // namespace gemmetry::backends::cuda
