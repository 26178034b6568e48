#pragma once

#include "gemmetry/op/emitter.h"

namespace gemmetry::op {

/// Walks an emitter's tape backwards and emits, for each forward step, the kernels that compute its inputs' gradients:
/// two products for a product, one backward kernel for attention, norms, softmax, activations and embeddings, the
/// conjugate collective for a collective. A tensor used twice has its gradients added by a kernel. What
/// `Workload::recompute` asks for is run again first. A model with an adapter trains only that: of its own weights no
/// gradients are computed, and the embedding, which nothing to train precedes, has no backward pass. What that leaves
/// out: the first layer still computes its input's gradient, and a norm's kernel those of its weights.
class Backward {
 public:
  explicit Backward(Emitter& emit) : emit_(emit) {}
  void run();

 private:
  void recompute();
  void visit(const Emitter::Taped& taped);

  void differentiate(const Step& forward, const Gemm& op);
  void differentiate(const Step& forward, const GroupedGemm& op);
  void differentiate(const Step& forward, const Residual& op);
  void differentiate(const Step& forward, const Pointwise& op);
  void differentiate(const Step& forward, const Collective& op);
  void differentiate(const Step& forward, const Optimizer& op);
  template <class Op>
  void differentiate(const Step& forward, Op op);

  /// The gradient of `id`, made on first use for what enters the part from behind.
  TensorId gradient_of(TensorId id);
  /// A new tensor for a gradient of `id`.
  TensorId new_gradient(TensorId id);
  /// Says that `gradient` is (a term of) the gradient of `id`; emits the addition if it is not the first.
  void contribute(TensorId id, TensorId gradient);
  void step(const Step& forward, Pass pass, const Operator& op, TensorList inputs, TensorList outputs);
  bool wants_gradient(TensorId id) const;
  /// Whether the weights of that step are trained.
  bool trains(const Step& forward) const;

  Emitter& emit_;
};

}  // namespace gemmetry::op
