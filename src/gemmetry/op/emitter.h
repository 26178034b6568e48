#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gemmetry/op/program.h"
#include "gemmetry/shape/model.h"
#include "gemmetry/shape/workload.h"

namespace gemmetry::op {

/// Writes the steps of one part into a sink and keeps a tape of them, from which `finish` derives the backward pass as
/// a framework's automatic differentiation would. Tensor ids used with it are its own; the sink sees its sink's.
class Emitter {
 public:
  Emitter(const shape::Model& model, const shape::Workload& workload, Sink& sink);

  const shape::Model& model;
  const shape::Workload& workload;

  // Sizes on one GPU.
  std::int64_t tensor_parallel() const { return workload.tensor_parallel; }
  std::int64_t new_tokens() const;   ///< of one sequence: s, or those of a pass in decode
  std::int64_t tokens() const;       ///< of the batch: b times as many
  std::int64_t stream_rows() const;  ///< rows of the residual stream here: tokens, over t with sequence parallel
  std::int64_t key_tokens() const;   ///< keys a query may see: s, or the cache and the new tokens
  std::int64_t heads() const;        ///< a/t
  std::int64_t kv_heads() const;     ///< KV heads/t, at least one
  std::int64_t sharded(std::int64_t size) const;  ///< size/t, rounded up
  bool training() const { return workload.phase == shape::Phase::training; }
  bool caches() const;

  TensorId tensor(std::string_view name, Role role, std::int64_t rows, std::int64_t columns);
  TensorId activation(std::string_view name, std::int64_t rows, std::int64_t columns) {
    return tensor(name, Role::activation, rows, columns);
  }
  const Tensor& shape_of(TensorId id) const { return tensors_[static_cast<std::size_t>(id)].tensor; }

  /// Emits a forward step.
  void step(Module module, std::string_view detail, const Operator& op, TensorList inputs, TensorList outputs);

  /// Emits a step of the optimizer update, which has no tensors of its own and no backward.
  void update(Module module, std::string_view detail, const Operator& op);

  /// y[rows, out] = x[rows, in] w[out, in]^T (+ bias).
  TensorId linear(Module module, std::string_view detail, TensorId x, std::int64_t out, bool bias);
  /// A norm of the model's kind over x.
  TensorId norm(Module module, std::string_view detail, TensorId x);
  /// x + branch.
  TensorId residual(TensorId x, TensorId branch);
  /// A pointwise kernel from one tensor to another of `columns` columns.
  TensorId pointwise(Module module, std::string_view detail, Function function, TensorId x, std::int64_t rows,
                     std::int64_t columns, double read_bytes, double write_bytes);

  /// Into a region whose products are split over the tensor-parallel ranks: gathers the stream with sequence parallel;
  /// in the backward pass the ranks' gradients are summed.
  TensorId enter_parallel(TensorId x);
  /// Out of it: sums the ranks' partial results (and splits the rows again with sequence parallel).
  TensorId leave_parallel(TensorId x);

  /// Ends the part, whose result is `result` (no_tensor: none that the next part takes): in a training step emits what
  /// is recomputed, then the backward pass.
  void finish(TensorId result);

 private:
  struct Local {
    Tensor tensor;
    TensorId in_sink = no_tensor;
    TensorId gradient = no_tensor;
  };
  struct Taped {
    Step step;
    bool forward = true;  ///< false: only its backward step exists
  };
  friend class Backward;

  void send(Step step);
  void collective(CollectiveKind kind, TensorId in, TensorId out, double size_bytes, bool forward);

  Sink& sink_;
  std::vector<Local> tensors_;
  std::vector<Taped> tape_;
};

// The parts, forward; each ends with Emitter::finish by the caller.
void emit_embedding(Emitter& emit);
void emit_attention(Emitter& emit, shape::LayerKind kind);
void emit_ffn(Emitter& emit, shape::LayerKind kind);
void emit_output(Emitter& emit);
void emit_update(Emitter& emit);

}  // namespace gemmetry::op
