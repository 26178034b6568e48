#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/shape/dtype.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::shape {

enum class Phase {
  forward,   ///< one forward pass over batch x sequence, nothing kept (scoring; what the paper measures)
  training,  ///< forward, backward and optimizer update of one microbatch
  prefill,   ///< forward over the prompt, keys and values written to the cache, logits of the last token only
  decode,    ///< `new_tokens` for each of `batch` sequences over a cache of `cache` tokens
};

/// How attention runs.
enum class AttentionKind {
  fused,    ///< one kernel, scores never written (FlashAttention, cuDNN)
  unfused,  ///< two products around one scale-mask-softmax kernel (Megatron)
  eager,    ///< two products, each pointwise step a kernel of its own, softmax in fp32 with its casts (framework code)
};

/// Which projections share a product.
enum class Projections {
  fused,  ///< query, key and value in one, gate and up in one (Megatron, vLLM, TensorRT-LLM)
  hf,     ///< as Hugging Face transformers runs the family
};

/// What is computed again in the backward pass instead of being kept.
enum class Recompute { none, selective, full };

/// What the data-parallel ranks share out instead of each holding all of it (ZeRO stages 1, 2, 3).
enum class Sharding { none, optimizer, gradients, parameters };

/// What is run with a model, and how it is spread over GPUs.
struct Workload {
  Phase phase = Phase::forward;
  std::int64_t batch = 4;        ///< b: microbatch of one data-parallel rank; sequences in decode
  std::int64_t sequence = 2048;  ///< s: tokens a sequence; in decode not used
  std::int64_t cache = 0;        ///< decode: tokens already in the cache of each sequence
  std::int64_t new_tokens = 1;   ///< decode: tokens each sequence adds in one pass; several: a window that is verified
  Dtype dtype = Dtype::bf16;

  std::int64_t tensor_parallel = 1;    ///< t
  std::int64_t pipeline_parallel = 1;  ///< p: stages
  std::int64_t data_parallel = 1;      ///< d: ranks
  bool sequence_parallel = false;      ///< norms and residuals split over the tensor-parallel ranks
  Sharding sharding = Sharding::none;
  Recompute recompute = Recompute::none;
  /// Training: microbatches a rank runs, accumulating gradients, before its one optimizer update.
  std::int64_t microbatches = 1;

  AttentionKind attention = AttentionKind::fused;
  Projections projections = Projections::fused;
  bool dropout = false;  ///< dropout in the residual additions of a training step

  bool operator==(const Workload&) const = default;
};

/// Tokens one step processes on one tensor-parallel group: batch x sequence (x microbatches when training), or batch x
/// new_tokens in decode.
std::int64_t tokens(const Workload& workload);

/// Throws Error naming the first size that is not positive or over its limit, several new tokens in a phase other than
/// decode, a sequence longer than a learned position table of `model`, or a phase that it does not have (an encoder
/// neither fills a cache nor decodes).
void validate(const Workload& workload, const Model& model);

/// Why the model cannot be split as `workload` says, one sentence each with the fix; empty if it can. Heads, KV heads
/// (unless t is a multiple of them: then they are replicated), FFN and expert widths over t, layers over pipeline
/// stages, and the sequence over t with sequence parallelism. A vocabulary is padded, not refused.
std::vector<std::string> impossible_splits(const Workload& workload, const Model& model);

/// Throws Error with the first of `impossible_splits`.
void require_possible(const Workload& workload, const Model& model);

std::string_view name(Phase phase);
std::string_view name(AttentionKind kind);
std::string_view name(Projections projections);
std::string_view name(Recompute recompute);
std::string_view name(Sharding sharding);

}  // namespace gemmetry::shape
