#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>
#include <string>

#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/measure/kernel.h"

namespace gemmetry::backends::cuda {

/// An attention operator as a graph of cuDNN, with the engines that the library proposes for it. Each engine is made
/// ready when it is first asked for, which compiles a kernel and may take seconds.
class AttentionGraph {
 public:
  /// `statistics`: the forward pass writes its log-sum-exp. Unsupported, with the library's reason, where it has none.
  /// Strides are those of measure::with_strides(); lengths are not looked at.
  static Status make(Libraries& libraries, const measure::AttentionKernel& kernel, bool statistics,
                     std::unique_ptr<AttentionGraph>* graph);
  ~AttentionGraph();
  AttentionGraph(const AttentionGraph&) = delete;
  AttentionGraph& operator=(const AttentionGraph&) = delete;

  std::int64_t engines() const;
  std::string engine_name(std::int64_t engine) const;
  Status build(std::int64_t engine);
  /// Of an engine that was built.
  std::int64_t workspace_bytes(std::int64_t engine) const;

  /// Operands as measure::operands lists them.
  Status enqueue(std::int64_t engine, void* const* operands, void* workspace, cudaStream_t stream);

 private:
  struct Parts;
  explicit AttentionGraph(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace gemmetry::backends::cuda
