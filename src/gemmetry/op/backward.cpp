#include "gemmetry/op/backward.h"

#include <algorithm>

namespace gemmetry::op {

using shape::AttentionKind;
using shape::Recompute;

void Backward::run() {
  const auto& tape = emit_.tape_;
  if (emit_.model.adapter && !tape.empty() && tape.front().step.module == Module::input_embedding) return;
  recompute();
  for (auto taped = emit_.tape_.rbegin(); taped != emit_.tape_.rend(); ++taped) visit(*taped);
}

void Backward::recompute() {
  const Recompute what = emit_.workload.recompute;
  if (what == Recompute::none || emit_.tape_.empty()) return;
  const auto core = [](Module module) {
    return module == Module::attention_score || module == Module::attention_softmax ||
           module == Module::attention_over_value;
  };
  const auto in_layer = [](Module module) { return module >= Module::layer_norm_1 && module <= Module::residual; };
  const bool layer = std::any_of(emit_.tape_.begin(), emit_.tape_.end(),
                                 [&](const Emitter::Taped& taped) { return in_layer(taped.step.module); });
  for (const Emitter::Taped& taped : emit_.tape_) {
    const bool again = what == Recompute::full ? layer : core(taped.step.module);
    if (!taped.forward || !again) continue;
    Step step = taped.step;
    step.pass = Pass::recompute;
    emit_.send(step);
  }
}

void Backward::visit(const Emitter::Taped& taped) {
  const Step& forward = taped.step;
  if (!taped.forward) {
    // The identity into a tensor-parallel region: its backward sums the ranks' gradients in place.
    const TensorId gradient = gradient_of(forward.outputs[0]);
    step(forward, Pass::backward, forward.op, {gradient}, {gradient});
    contribute(forward.inputs[0], gradient);
    return;
  }
  std::visit([&](const auto& op) { differentiate(forward, op); }, forward.op);
}

void Backward::step(const Step& forward, Pass pass, const Operator& op, TensorList inputs, TensorList outputs) {
  emit_.send({forward.module, forward.detail, pass, op, inputs, outputs});
}

bool Backward::wants_gradient(TensorId id) const {
  const Role role = emit_.shape_of(id).role;
  return role == Role::activation || role == Role::carried || role == Role::weight;
}

bool Backward::trains(const Step& forward) const { return !emit_.model.adapter || forward.module == Module::adapter; }

TensorId Backward::new_gradient(TensorId id) {
  const Tensor of = emit_.shape_of(id);
  return emit_.tensor("gradient", Role::gradient, of.rows, of.columns);
}

TensorId Backward::gradient_of(TensorId id) {
  TensorId gradient = emit_.tensors_[static_cast<std::size_t>(id)].gradient;
  if (gradient == no_tensor) {
    gradient = new_gradient(id);
    emit_.tensors_[static_cast<std::size_t>(id)].gradient = gradient;
  }
  return gradient;
}

void Backward::contribute(TensorId id, TensorId gradient) {
  const TensorId present = emit_.tensors_[static_cast<std::size_t>(id)].gradient;
  if (present == no_tensor) {
    emit_.tensors_[static_cast<std::size_t>(id)].gradient = gradient;
    return;
  }
  const Tensor of = emit_.shape_of(id);
  emit_.send({Module::residual,
              "gradient sum",
              Pass::backward,
              Residual{of.rows, of.columns, false, false, emit_.workload.dtype},
              {present, gradient},
              {present}});
}

void Backward::differentiate(const Step& forward, const Gemm& op) {
  const TensorId a = forward.inputs[0];
  const TensorId b = forward.inputs[1];
  const TensorId dc = gradient_of(forward.outputs[0]);
  Gemm by_a{op.batch, op.m, op.k, op.n, op.dtype, Layout::nn, Epilogue::none};
  Gemm by_b{op.batch, op.n, op.k, op.m, op.dtype, Layout::tn, Epilogue::none};
  TensorList operands_of_b{dc, a};
  if (op.layout == Layout::nn) {
    by_a.layout = Layout::nt;
    by_b = {op.batch, op.k, op.n, op.m, op.dtype, Layout::tn, Epilogue::none};
    operands_of_b = {a, dc};
  }
  if (op.epilogue == Epilogue::bias) by_b.epilogue = Epilogue::bias_gradient;
  const TensorId da = new_gradient(a);
  step(forward, Pass::data_gradient, by_a, {dc, b}, {da});
  contribute(a, da);
  const bool weight = emit_.shape_of(b).role == Role::weight;
  if (weight && !trains(forward)) return;
  const TensorId db = new_gradient(b);
  step(forward, weight ? Pass::weight_gradient : Pass::data_gradient, by_b, operands_of_b, {db});
  contribute(b, db);
}

void Backward::differentiate(const Step& forward, const GroupedGemm& op) {
  const TensorId x = forward.inputs[0];
  const TensorId weight = forward.inputs[1];
  const TensorId dy = gradient_of(forward.outputs[0]);
  const TensorId dx = new_gradient(x);
  step(forward, Pass::data_gradient, GroupedGemm{op.experts, op.rows, op.k, op.n, op.dtype, Layout::nn}, {dy, weight},
       {dx});
  contribute(x, dx);
  if (!trains(forward)) return;
  const TensorId dw = new_gradient(weight);
  step(forward, Pass::weight_gradient, GroupedGemm{op.experts, op.rows, op.n, op.k, op.dtype, Layout::tn}, {dy, x},
       {dw});
  contribute(weight, dw);
}

void Backward::differentiate(const Step& forward, const Residual& op) {
  const TensorId dy = gradient_of(forward.outputs[0]);
  TensorId branch = dy;
  if (op.dropout) {
    branch = new_gradient(forward.inputs[1]);
    Residual masked = op;
    masked.backward = true;
    step(forward, Pass::backward, masked, {dy}, {branch});
  }
  contribute(forward.inputs[1], branch);
  contribute(forward.inputs[0], dy);
}

void Backward::differentiate(const Step& forward, const Pointwise& op) {
  const TensorId dy = gradient_of(forward.outputs[0]);
  switch (op.function) {
    case Function::mask:    // adds a constant
    case Function::append:  // does not occur in training
      contribute(forward.inputs[0], dy);
      return;
    default:
      break;
  }
  Pointwise reverse = op;
  reverse.read_bytes = op.write_bytes;
  reverse.write_bytes = op.read_bytes;
  if (op.function == Function::soft_cap) reverse.read_bytes += op.read_bytes;  // the input is read again
  const TensorId dx = new_gradient(forward.inputs[0]);
  step(forward, Pass::backward, reverse, {dy}, {dx});
  contribute(forward.inputs[0], dx);
}

void Backward::differentiate(const Step& forward, const Collective& op) {
  const TensorId dy = gradient_of(forward.outputs[0]);
  if (op.collective == CollectiveKind::all_reduce) {
    contribute(forward.inputs[0], dy);  // every rank already holds the whole gradient
    return;
  }
  Collective conjugate = op;
  if (op.collective == CollectiveKind::all_gather) conjugate.collective = CollectiveKind::reduce_scatter;
  if (op.collective == CollectiveKind::reduce_scatter) conjugate.collective = CollectiveKind::all_gather;
  const TensorId dx = new_gradient(forward.inputs[0]);
  step(forward, Pass::backward, conjugate, {dy}, {dx});
  contribute(forward.inputs[0], dx);
}

void Backward::differentiate(const Step&, const Optimizer&) {}

/// One backward kernel: reads the forward's inputs and the result's gradient, writes the gradient of each input.
template <class Op>
void Backward::differentiate(const Step& forward, Op op) {
  op.backward = true;
  TensorList inputs = forward.inputs;
  inputs.push_back(gradient_of(forward.outputs[0]));
  std::vector<std::pair<TensorId, TensorId>> made;
  TensorList outputs;
  for (const TensorId id : forward.inputs) {
    if (!wants_gradient(id)) continue;
    const TensorId gradient = new_gradient(id);
    made.emplace_back(id, gradient);
    outputs.push_back(gradient);
  }
  step(forward, Pass::backward, op, inputs, outputs);
  for (const auto& [id, gradient] : made) contribute(id, gradient);
}

}  // namespace gemmetry::op
