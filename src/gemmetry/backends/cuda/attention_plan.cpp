#include "gemmetry/backends/cuda/attention_plan.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "gemmetry/backends/cuda/own_attention.h"
#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::backends::cuda {
namespace {

using measure::AlgorithmInfo;

/// A graph and one of its engines.
struct Engine {
  std::shared_ptr<AttentionGraph> graph;
  std::int64_t index = 0;
};

AlgorithmInfo info_of(const Engine& engine) {
  AlgorithmInfo info;
  const std::string name = engine.graph->engine_name(engine.index);
  std::snprintf(info.library, sizeof info.library, "cudnn");
  std::snprintf(info.kernel, sizeof info.kernel, "%s", name.c_str());
  std::snprintf(info.key, sizeof info.key, "%s", name.c_str());
  info.id = static_cast<std::int32_t>(engine.index);
  info.workspace_bytes = engine.graph->workspace_bytes(engine.index);
  return info;
}

/// The first engine that can be built; the first one's reason where none can.
Status first_engine(const std::shared_ptr<AttentionGraph>& graph, Engine* engine) {
  Status first;
  for (std::int64_t index = 0; index < graph->engines(); ++index) {
    const Status status = graph->build(index);
    if (status.ok()) {
      *engine = {graph, index};
      return {};
    }
    if (first.ok()) first = status;
  }
  return first;
}

Status named_engine(const std::shared_ptr<AttentionGraph>& graph, std::string_view key, Engine* engine) {
  for (std::int64_t index = 0; index < graph->engines(); ++index) {
    *engine = {graph, index};
    const std::string name = graph->engine_name(index).substr(0, sizeof AlgorithmInfo::key - 1);
    if (name == key) return graph->build(index);
  }
  return failure(StatusCode::unsupported,
                 "cuDNN has no engine %.100s for this attention: choose again with `gemmetry tune`",
                 std::string(key).c_str());
}

class AttentionPlan final : public CudaPlan {
 public:
  /// `forward` makes what the backward pass needs; empty for forward passes.
  AttentionPlan(Engine engine, Engine forward) : engine_(std::move(engine)), forward_(std::move(forward)) {
    algorithm_ = info_of(engine_);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    return engine_.graph->enqueue(engine_.index, operands, workspace, stream);
  }

  /// The forward pass's operands are the first five of the backward pass's.
  Status prepare(void* const* operands, void*, cudaStream_t stream) noexcept override {
    if (forward_.graph == nullptr) return {};
    void* workspace = nullptr;
    const std::int64_t bytes = forward_.graph->workspace_bytes(forward_.index);
    if (bytes > 0) {
      const Status status = check(cudaMallocAsync(&workspace, static_cast<std::size_t>(bytes), stream),
                                  "prepare attention's backward pass");
      if (!status.ok()) return status;
    }
    const Status status = forward_.graph->enqueue(forward_.index, operands, workspace, stream);
    if (workspace != nullptr) cudaFreeAsync(workspace, stream);
    return status;
  }

 private:
  Engine engine_;
  Engine forward_;
};

/// A kernel by an engine, or, where its operands begin at other addresses than the library takes, by the own kernels.
class PlacedAttentionPlan final : public CudaPlan {
 public:
  PlacedAttentionPlan(Engine engine, const measure::AttentionKernel& kernel, int sms)
      : engine_(std::move(engine)), kernel_(kernel), sms_(sms) {
    algorithm_ = info_of(engine_);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    if (std::all_of(operands, operands + 4, [](const void* operand) { return aligned(operand); }))
      return engine_.graph->enqueue(engine_.index, operands, workspace, stream);
    return launch(kernel_, {operands, nullptr, sms_, stream});
  }

 private:
  static bool aligned(const void* operand) { return reinterpret_cast<std::uintptr_t>(operand) % 16 == 0; }

  Engine engine_;
  measure::AttentionKernel kernel_;
  int sms_;
};

class OwnAttentionPlan final : public CudaPlan {
 public:
  OwnAttentionPlan(const measure::AttentionKernel& kernel, int sms) : kernel_(kernel), sms_(sms) {
    std::snprintf(algorithm_.library, sizeof algorithm_.library, "own");
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "attention");
    std::snprintf(algorithm_.key, sizeof algorithm_.key, "own:attention");
    algorithm_.split_k = static_cast<std::int32_t>(key_parts(kernel_, sms_));
    algorithm_.workspace_bytes = workspace_bytes(kernel_, sms_);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    return launch(kernel_, {operands, workspace, sms_, stream});
  }

 private:
  measure::AttentionKernel kernel_;
  int sms_;
};

/// Whether rows that follow one that begins at a multiple of 16 bytes do so too.
bool in_packs(const measure::AttentionKernel& kernel) {
  const auto strides = {kernel.q_stride, kernel.k_stride,   kernel.v_stride,
                        kernel.o_stride, kernel.k_sequence, kernel.v_sequence};
  return std::all_of(strides.begin(), strides.end(), [](std::int64_t stride) { return stride % 8 == 0; });
}

/// An operator's arrays are dense.
measure::AttentionKernel dense(const op::Attention& attention) {
  const measure::Kernel settled = measure::with_strides(measure::AttentionKernel{.attention = attention});
  return std::get<measure::AttentionKernel>(settled);
}

}  // namespace

Status AttentionPlanner::graph(const measure::AttentionKernel& kernel, bool statistics,
                               std::shared_ptr<AttentionGraph>* graph) {
  const Place place = {statistics,      kernel.q_stride,   kernel.k_stride,  kernel.v_stride,
                       kernel.o_stride, kernel.k_sequence, kernel.v_sequence};
  std::shared_ptr<AttentionGraph>& kept = graphs_[op::Operator(kernel.attention)][place];
  if (kept == nullptr) {
    std::unique_ptr<AttentionGraph> made;
    if (const Status status = AttentionGraph::make(libraries_, kernel, statistics, &made); !status.ok()) return status;
    kept = std::move(made);
  }
  *graph = kept;
  return {};
}

Status AttentionPlanner::plan_kernel(const measure::AttentionKernel& kernel, const char* key,
                                     std::unique_ptr<CudaPlan>* plan) {
  constexpr std::string_view own = "own:attention";
  const bool from_cache = kernel.lengths || kernel.slots;
  const bool several = kernel.attention.queries > 1 && !from_cache && kernel.splits == 0 &&
                       kernel.attention.queries <= kernel.attention.keys && in_packs(kernel);
  const bool named = key != nullptr && key != own;
  const Status own_status = inspect_own_attention(kernel);
  if (named || (key == nullptr && several && kernel.attention.dtype != shape::Dtype::fp32)) {
    if (from_cache)
      return failure(StatusCode::unsupported, "kernel attention: engine %.60s: only %s reads lengths and slots", key,
                     own.data());
    Engine engine;
    std::shared_ptr<AttentionGraph> made;
    Status status = graph(kernel, false, &made);
    if (status.ok()) status = named ? named_engine(made, key, &engine) : first_engine(made, &engine);
    if (status.ok()) *plan = std::make_unique<PlacedAttentionPlan>(std::move(engine), kernel, libraries_.sms());
    if (status.ok() || named || status.code != StatusCode::unsupported) return status;
  }
  if (!own_status.ok()) return own_status;
  *plan = std::make_unique<OwnAttentionPlan>(kernel, libraries_.sms());
  return {};
}

Status AttentionPlanner::plan(const op::Attention& attention, const char* key, std::unique_ptr<CudaPlan>* plan) {
  Engine engine;
  std::shared_ptr<AttentionGraph> made;
  if (const Status status = graph(dense(attention), attention.queries > 1, &made); !status.ok()) return status;
  const Status chosen = key == nullptr ? first_engine(made, &engine) : named_engine(made, key, &engine);
  if (!chosen.ok()) return chosen;
  Engine forward;
  if (attention.backward) {
    op::Attention pass = attention;
    pass.backward = false;
    if (const Status status = graph(dense(pass), true, &made); !status.ok()) return status;
    if (const Status status = first_engine(made, &forward); !status.ok()) return status;
  }
  *plan = std::make_unique<AttentionPlan>(std::move(engine), std::move(forward));
  return {};
}

Status AttentionPlanner::algorithms(const op::Attention& attention, AlgorithmInfo* infos, std::int32_t capacity,
                                    std::int32_t* found) {
  *found = 0;
  std::shared_ptr<AttentionGraph> made;
  if (const Status status = graph(dense(attention), attention.queries > 1, &made); !status.ok()) return status;
  Status first;
  for (std::int64_t index = 0; index < made->engines() && *found < capacity; ++index) {
    const Status status = made->build(index);
    if (status.ok())
      infos[(*found)++] = info_of({made, index});
    else if (first.ok())
      first = status;
  }
  return *found > 0 ? Status{} : first;
}

}  // namespace gemmetry::backends::cuda
