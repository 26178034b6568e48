#pragma once

#include <cstdint>

#include "gemmetry/op/emitter.h"

// Adapters of a model (shape::Adapter), at their places in a layer. Their steps are of Module::adapter. Sources: LoRA
// (arXiv 2106.09685), Houlsby et al. (arXiv 1902.00751), Lin et al. (arXiv 2004.03829).
//
// With tensor parallelism bottlenecks work on the whole hidden state: every rank holds them and runs them on its rows
// of the residual stream, after the branch has been summed. LoRA's first product is on every rank, its second is split
// by columns like the projection beside it. No adapter adds a collective, but Adapter^H in a layer with parallel
// residual, whose branches must then be summed one by one.

namespace gemmetry::op {

/// Whether each branch ends in an adapter (Adapter^H).
bool has_branch_adapters(const Emitter& emit);

/// Whether each layer ends in an adapter (Adapter^L).
bool has_layer_adapter(const Emitter& emit);

/// Adapter^H of one branch, on what is next added to the residual stream: y + Up(act(Down(y))). `part`: whose branch.
TensorId emit_branch_adapter(Emitter& emit, Part part, TensorId branch);

/// Adapter^L, on the layer's result: x + Up(act(Down(norm(x)))), a norm of the model's kind. The new "hidden".
TensorId emit_layer_adapter(Emitter& emit, TensorId x);

/// LoRA, not merged, beside the query and value projections of x: q += Up(Down(x)), v likewise, its scale folded into
/// Up. `qkv`: one tensor with all three or one each; `queries`, `values`: columns of each. Where all three are one
/// tensor the additions are of its first and last columns only, in place: a row of the result is a row of `qkv`. An
/// executor may let the second product accumulate into the projection instead of adding afterwards. Without such an
/// adapter `qkv` as it is.
TensorList emit_low_rank(Emitter& emit, TensorId x, TensorList qkv, std::int64_t queries, std::int64_t values);

}  // namespace gemmetry::op
