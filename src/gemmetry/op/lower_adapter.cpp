#include <string_view>

#include "gemmetry/op/adapter.h"

namespace gemmetry::op {
namespace {

using shape::AdapterKind;

bool has(const Emitter& emit, AdapterKind kind) { return emit.model.adapter && emit.model.adapter->kind == kind; }

/// What the steps of one adapter are called.
struct Details {
  std::string_view down, activation, up, add;
};

constexpr Details after_attention{"attention down", "attention", "attention up", "attention add"};
constexpr Details after_ffn{"mlp down", "mlp", "mlp up", "mlp add"};
constexpr Details after_layer{"down", "", "up", "add"};
constexpr Details beside_query{"query down", "", "query up", "query add"};
constexpr Details beside_value{"value down", "", "value up", "value add"};

/// Up(act(Down(x))), h to r to h, both with bias. The activation is the FFN's function, never gated.
TensorId bottleneck(Emitter& emit, const Details& details, TensorId x) {
  const std::int64_t rank = emit.model.adapter->rank;
  const Tensor in = emit.shape_of(x);
  const TensorId down = emit.linear(Module::adapter, details.down, x, rank, true);
  const TensorId activated = emit.activation("activated", in.rows, rank);
  emit.step(Module::adapter, details.activation,
            Activation{in.rows, rank, emit.model.ffn.activation, false, false, emit.workload.dtype}, {down},
            {activated});
  return emit.linear(Module::adapter, details.up, activated, in.columns, true);
}

/// x with `term` added to as many of its columns as the term has.
TensorId add(Emitter& emit, const Details& details, TensorId x, TensorId term, TensorId sum) {
  const Tensor of = emit.shape_of(term);
  emit.step(Module::adapter, details.add, Residual{of.rows, of.columns, false, false, emit.workload.dtype}, {x, term},
            {sum});
  return sum;
}

TensorId low_rank(Emitter& emit, const Details& details, TensorId x, TensorId projected, std::int64_t columns) {
  const TensorId down = emit.linear(Module::adapter, details.down, x, emit.model.adapter->rank, false);
  const TensorId up = emit.linear(Module::adapter, details.up, down, columns, false);
  const Tensor of = emit.shape_of(projected);
  return add(emit, details, projected, up, emit.activation("adapted", of.rows, of.columns));
}

}  // namespace

bool has_branch_adapters(const Emitter& emit) { return has(emit, AdapterKind::houlsby); }

bool has_layer_adapter(const Emitter& emit) { return has(emit, AdapterKind::lin); }

TensorId emit_branch_adapter(Emitter& emit, Part part, TensorId branch) {
  const Details& details = part == Part::attention ? after_attention : after_ffn;
  const Tensor of = emit.shape_of(branch);
  const TensorId up = bottleneck(emit, details, branch);
  return add(emit, details, branch, up, emit.activation("adapted", of.rows, of.columns));
}

TensorId emit_layer_adapter(Emitter& emit, TensorId x) {
  const Tensor of = emit.shape_of(x);
  const TensorId up = bottleneck(emit, after_layer, emit.norm(Module::adapter, "norm", x));
  return add(emit, after_layer, x, up, emit.tensor("hidden", Role::carried, of.rows, of.columns));
}

TensorList emit_low_rank(Emitter& emit, TensorId x, TensorList qkv, std::int64_t queries, std::int64_t values) {
  if (!has(emit, AdapterKind::lora)) return qkv;
  if (qkv.size() == 1) {
    const TensorId with_query = low_rank(emit, beside_query, x, qkv[0], queries);
    return {low_rank(emit, beside_value, x, with_query, values)};
  }
  const TensorId query = low_rank(emit, beside_query, x, qkv[0], queries);
  return {query, qkv[1], low_rank(emit, beside_value, x, qkv[2], values)};
}

}  // namespace gemmetry::op
