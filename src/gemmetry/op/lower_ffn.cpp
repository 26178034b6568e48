#include "gemmetry/op/adapter.h"
#include "gemmetry/op/emitter.h"

namespace gemmetry::op {
namespace {

using shape::NormPlacement;
using shape::Projections;

TensorId activate(Emitter& emit, std::string_view detail, TensorList products, std::int64_t rows, std::int64_t width) {
  const TensorId y = emit.activation("activated", rows, width);
  emit.step(Module::mlp_activation, detail,
            Activation{rows, width, emit.model.ffn.activation, emit.model.ffn.gated, false, emit.workload.dtype},
            products, {y});
  return y;
}

/// A dense FFN of `width`: h to width (twice when gated), activation, width to h.
TensorId dense(Emitter& emit, TensorId x, std::int64_t width, bool shared_expert) {
  const shape::Ffn& ffn = emit.model.ffn;
  const std::int64_t local = emit.sharded(width);
  const std::string_view up_name = shared_expert ? "shared up" : ffn.gated ? "up" : "";
  TensorList products;
  if (ffn.gated && (emit.workload.projections == Projections::fused || ffn.gate_up_fused)) {
    products = {
        emit.linear(Module::mlp_h_to_4h, shared_expert ? "shared gate and up" : "gate and up", x, 2 * local, ffn.bias)};
  } else {
    if (ffn.gated)
      products.push_back(emit.linear(Module::mlp_h_to_4h, shared_expert ? "shared gate" : "gate", x, local, ffn.bias));
    products.push_back(emit.linear(Module::mlp_h_to_4h, up_name, x, local, ffn.bias));
  }
  const TensorId activated = activate(emit, shared_expert ? "shared" : "", products, emit.shape_of(x).rows, local);
  return emit.linear(Module::mlp_4h_to_h, shared_expert ? "shared" : "", activated, emit.model.hidden, ffn.bias);
}

TensorId grouped(Emitter& emit, Module module, std::string_view detail, TensorId x, std::int64_t out,
                 std::int64_t experts) {
  const Tensor in = emit.shape_of(x);
  const TensorId weight = emit.tensor("expert weights", Role::weight, experts * out, in.columns);
  const TensorId y = emit.activation("product", in.rows, out);
  emit.step(module, detail, GroupedGemm{experts, in.rows, out, in.columns, emit.workload.dtype, Layout::nt},
            {x, weight}, {y});
  return y;
}

/// Router, rows sorted by expert, the experts' products, rows brought back and weighted. Each rank holds a share of the
/// width of every expert.
TensorId mixture(Emitter& emit, TensorId x) {
  const shape::Model& model = emit.model;
  const shape::Experts& experts = *model.experts;
  const double element = bytes_per_element(emit.workload.dtype);
  const std::int64_t tokens = emit.shape_of(x).rows;
  const std::int64_t rows = tokens * experts.active;
  const std::int64_t width = emit.sharded(experts.width);
  const TensorId logits = emit.linear(Module::router, "", x, experts.count, experts.router_bias);
  emit.pointwise(Module::router, "top-k", Function::top_k, logits, tokens, experts.count, element, element);
  const TensorId sorted =
      emit.pointwise(Module::router, "permute", Function::permute, x, rows, model.hidden, element, element);
  const TensorId up = grouped(emit, Module::mlp_h_to_4h, model.ffn.gated ? "experts gate and up" : "experts", sorted,
                              model.ffn.gated ? 2 * width : width, experts.count);
  const TensorId activated = activate(emit, "experts", {up}, rows, width);
  const TensorId down = grouped(emit, Module::mlp_4h_to_h, "experts", activated, model.hidden, experts.count);
  const TensorId routed = emit.pointwise(Module::router, "combine", Function::combine, down, tokens, model.hidden,
                                         element * static_cast<double>(experts.active), element);
  if (experts.shared_width == 0) return routed;
  const TensorId shared = dense(emit, x, experts.shared_width, true);
  const TensorId sum = emit.activation("experts", tokens, model.hidden);
  emit.step(Module::router, "add shared", Residual{tokens, model.hidden, false, false, emit.workload.dtype},
            {routed, shared}, {sum});
  return sum;
}

}  // namespace

void emit_ffn(Emitter& emit, shape::LayerKind kind) {
  const shape::Model& model = emit.model;
  const NormPlacement placement = model.norm_placement;
  const TensorId hidden = emit.tensor("hidden", Role::carried, emit.stream_rows(), model.hidden);

  // In a layer with parallel residual the FFN starts where attention did, and may share its norm.
  const bool shared = model.parallel_residual && model.shared_norm;
  TensorId x = hidden;
  if (model.parallel_residual) x = emit.tensor("branch input", Role::carried, emit.stream_rows(), model.hidden);
  if (!shared && (placement == NormPlacement::pre || placement == NormPlacement::sandwich))
    x = emit.norm(Module::layer_norm_2, "", x);
  if (!shared) x = emit.enter_parallel(x);

  TensorId branch = kind.sparse && model.experts ? mixture(emit, x) : dense(emit, x, model.ffn.width, false);
  branch = emit.leave_parallel(branch);
  if (placement == NormPlacement::branch || placement == NormPlacement::sandwich)
    branch = emit.norm(Module::layer_norm_2, "output", branch);
  if (has_branch_adapters(emit)) branch = emit_branch_adapter(emit, Part::ffn, branch);
  TensorId sum = emit.residual(hidden, branch);
  if (placement == NormPlacement::post) sum = emit.norm(Module::layer_norm_2, "", sum);
  if (has_layer_adapter(emit)) sum = emit_layer_adapter(emit, sum);
  emit.finish(sum);
}

}  // namespace gemmetry::op
