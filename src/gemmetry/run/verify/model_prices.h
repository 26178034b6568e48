#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "gemmetry/op/cost_model.h"
#include "gemmetry/run/serve/priced_engine.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

// What it predicts: the time of one prefill, decoding step or verification pass of a model with a cache in slots.
// Formula: the sum of the pass's operators by the cost model, the cache as long as it is on average, and the draw of
// its tokens, which reads the logits once; a fixed time a pass for the host. Range: contexts from 1; between contexts
// of powers of two in proportion. Ignores: that requests' contexts differ, that pinned algorithms are slower than the
// fastest, and that verification takes attention with one split. Source: docs/models/*.md.

namespace gemmetry::run {

/// Prompts are filled in as if they had this many tokens: the next power of two from 16, at most `capacity`.
std::int64_t prefill_bucket(std::int64_t prompt, std::int64_t capacity);

struct ModelPricesOptions {
  shape::Dtype dtype = shape::Dtype::bf16;
  std::int64_t capacity = 2048;  ///< tokens of a slot
  double host_s = 0;             ///< that every pass takes beside its kernels: its tokens read, its rows written
};

/// What passes of a model take by a cost model. Each shape is priced once, when it is asked for.
class ModelPrices {
 public:
  /// The cost model outlives it. Error for a model that fills no cache.
  ModelPrices(const shape::Model& model, const op::CostModel& costs, const ModelPricesOptions& options);

  double prefill_s(std::int64_t prompt);
  double decode_s(std::int64_t rows, double context);
  double verify_s(const PassShape& shape, double context);

  /// Functions that share this object, which they keep alive.
  static PassPrices of(std::shared_ptr<ModelPrices> prices);

  /// A pass that draws `new_tokens` more tokens for each of `sequences` with `context` in the cache.
  shape::Workload pass(std::int64_t sequences, std::int64_t new_tokens, std::int64_t context) const;

 private:
  double time_s(const shape::Workload& workload, std::int64_t rows);
  double at_context(std::int64_t sequences, std::int64_t new_tokens, double context);
  double at_cache(std::int64_t sequences, std::int64_t new_tokens, std::int64_t cache);

  shape::Model model_;
  const op::CostModel& costs_;
  ModelPricesOptions options_;
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, double> passes_;
  std::map<std::int64_t, double> prefills_;
};

}  // namespace gemmetry::run
