#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>

#include "gemmetry/backends/cuda/attention_graph.h"
#include "gemmetry/backends/cuda/cuda_plan.h"
#include "gemmetry/backends/cuda/libraries.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::backends::cuda {

/// Attention by cuDNN. Graphs are kept, since making one takes longer than everything else: the same operator is
/// planned again at once.
class AttentionPlanner {
 public:
  explicit AttentionPlanner(Libraries& libraries) : libraries_(libraries) {}

  /// A null key takes the first engine of the library's heuristic that can be built, a key the engine of that name.
  Status plan(const op::Attention& attention, const char* key, std::unique_ptr<CudaPlan>* plan);
  /// Attention at its place in a model; strides are those of measure::with_strides(). A null key takes an engine where
  /// several queries see keys without lengths, and else, or where there is none, the own kernels ("own:attention").
  Status plan_kernel(const measure::AttentionKernel& kernel, const char* key, std::unique_ptr<CudaPlan>* plan);
  Status algorithms(const op::Attention& attention, measure::AlgorithmInfo* infos, std::int32_t capacity,
                    std::int32_t* found);

 private:
  Status graph(const measure::AttentionKernel& kernel, bool statistics, std::shared_ptr<AttentionGraph>* graph);

  Libraries& libraries_;
  using Place = std::array<std::int64_t, 7>;  ///< with statistics, and the strides
  using Graphs = std::unordered_map<op::Operator, std::map<Place, std::shared_ptr<AttentionGraph>>, op::OperatorHash>;
  Graphs graphs_;
};

}  // namespace gemmetry::backends::cuda
