#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/predict/predictor.h"
#include "gemmetry/shape/memory.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::cli {

/// Equal operators of one module, detail and pass.
struct ExplainedOperator {
  op::PricedStep priced;  ///< its count: times it runs in what is shown
  double share = 0;       ///< of the time of what is shown
  std::string reason;
};

/// The layers of one kind.
struct ExplainedLayer {
  shape::LayerKind kind;
  std::int64_t count = 0;
  op::Interval time;  ///< of one
};

/// Training at full scale, from one step's time.
struct TrainingRate {
  double model_flop_utilisation = 0;
  op::Interval tokens_per_s_per_gpu;
  double pipeline_bubble = 0;  ///< share of a step in which a stage waits: (p - 1) / (microbatches + p - 1)
};

/// A model under a workload, operator by operator, with its sums. Times are of one GPU of the fullest pipeline stage.
struct Explanation {
  std::vector<ExplainedOperator> operators;  ///< grouped by module, in order of first use
  std::vector<ExplainedLayer> layers;
  op::Interval layer_time;  ///< of an average layer: its attention and its FFN
  op::Interval model_time;
  op::Interval time_per_token;
  std::int64_t tokens = 0;
  double flop = 0;
  double bytes = 0;
  shape::MemoryBytes memory;
  std::optional<TrainingRate> training;
  std::string layer_reason;  ///< one sentence: where a layer's time goes and what it loses it by
};

/// Prices the model. `one_layer`: the operators shown are those of one layer of each kind. Error when the split is
/// impossible.
Explanation explain(const shape::Model& model, const shape::Workload& workload, const predict::Predictor& predictor,
                    bool one_layer);

}  // namespace gemmetry::cli
