#pragma once

#include <cstdint>
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
  Status algorithms(const op::Attention& attention, measure::AlgorithmInfo* infos, std::int32_t capacity,
                    std::int32_t* found);

 private:
  Status graph(const op::Attention& attention, bool statistics, std::shared_ptr<AttentionGraph>* graph);

  Libraries& libraries_;
  using Graphs = std::unordered_map<op::Operator, std::shared_ptr<AttentionGraph>, op::OperatorHash>;
  Graphs graphs_;             ///< with statistics where there are several queries, and all backward ones
  Graphs decode_statistics_;  ///< of one query, with statistics, which only its backward pass asks for
};

}  // namespace gemmetry::backends::cuda
