#include <algorithm>

#include "gemmetry/op/emitter.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::op {
namespace {

using shape::Phase;
using shape::Positions;
using shape::Sharding;

double stream_bytes(const Emitter& emit) {
  return static_cast<double>(emit.stream_rows()) * static_cast<double>(emit.model.hidden) *
         bytes_per_element(emit.workload.dtype);
}

/// A later pipeline stage gets its input from the stage before, and sends the gradient back.
TensorId receive(Emitter& emit) {
  const Collective send{CollectiveKind::send, 2, stream_bytes(emit), Span::network};
  const TensorId from = emit.tensor("hidden of the stage before", Role::carried, emit.stream_rows(), emit.model.hidden);
  const TensorId hidden = emit.tensor("hidden", Role::carried, emit.stream_rows(), emit.model.hidden);
  emit.step(Module::pipeline_parallel, "", send, {from}, {hidden});
  return hidden;
}

}  // namespace

void emit_embedding(Emitter& emit) {
  const shape::Model& model = emit.model;
  if (emit.workload.pipeline_parallel > 1) {
    emit.finish(receive(emit));
    return;
  }
  const std::int64_t tokens = emit.tokens();
  const double element = bytes_per_element(emit.workload.dtype);
  const bool projected = model.embedding_width != model.hidden;
  const TensorId ids = emit.tensor("token ids", Role::tokens, tokens, 1);
  const TensorId table = emit.tensor("token table", Role::weight, emit.sharded(model.vocab), model.embedding_width);
  TensorId x = emit.activation("embedding", tokens, model.embedding_width);
  emit.step(Module::input_embedding, "",
            Embedding{tokens, model.embedding_width, model.positions == Positions::learned, false, emit.workload.dtype},
            {ids, table}, {x});
  if (model.token_types > 0)
    x = emit.pointwise(Module::input_embedding, "segment", Function::add, x, tokens, model.embedding_width, element,
                       element);
  x = emit.leave_parallel(x);
  if (projected) x = emit.linear(Module::input_embedding, "embedding to hidden", x, model.hidden, false);
  if (model.embedding_norm) x = emit.norm(Module::input_embedding, "norm", x);
  emit.finish(x);
}

void emit_output(Emitter& emit) {
  const shape::Model& model = emit.model;
  const bool verifies = emit.workload.phase == Phase::decode && emit.workload.new_tokens > 1;  // draws behind each
  const bool every_token = emit.workload.phase == Phase::forward || emit.training() || verifies;
  TensorId x = emit.tensor("hidden", Role::carried, emit.stream_rows(), model.hidden);
  if (model.final_norm) x = emit.norm(Module::final_norm, "", x);
  if (model.pooler) {
    const TensorId first = emit.activation("first tokens", emit.workload.batch, model.hidden);
    const double element = bytes_per_element(emit.workload.dtype);
    emit.step(Module::linear_output, "first tokens",
              Pointwise{Function::copy, emit.workload.batch * model.hidden, element, element}, {x}, {first});
    emit.linear(Module::linear_output, "pooler", first, model.hidden, true);
  }
  if (!model.head.present) {
    emit.finish(x);
    return;
  }
  x = emit.enter_parallel(x);
  if (!every_token) {
    const TensorId last = emit.activation("last tokens", emit.workload.batch, model.hidden);
    const double element = bytes_per_element(emit.workload.dtype);
    emit.step(Module::linear_output, "last tokens",
              Pointwise{Function::copy, emit.workload.batch * model.hidden, element, element}, {x}, {last});
    x = last;
  }
  if (model.embedding_width != model.hidden)
    x = emit.linear(Module::linear_output, "hidden to embedding", x, model.embedding_width, false);
  if (model.head.transform) {
    x = emit.linear(Module::linear_output, "transform", x, model.hidden, true);
    const Tensor of = emit.shape_of(x);
    const TensorId activated = emit.activation("activated", of.rows, of.columns);
    emit.step(Module::linear_output, "transform",
              Activation{of.rows, of.columns, model.ffn.activation, false, false, emit.workload.dtype}, {x},
              {activated});
    x = emit.norm(Module::linear_output, "transform norm", activated);
  }
  const TensorId logits = emit.linear(Module::linear_output, "", x, emit.sharded(model.vocab), model.head.bias);
  if (emit.training()) {
    const TensorId labels = emit.tensor("labels", Role::tokens, emit.tokens(), 1);
    const TensorId loss = emit.activation("loss", emit.tokens(), 1);
    emit.step(Module::loss, "", CrossEntropy{emit.tokens(), emit.sharded(model.vocab), false, emit.workload.dtype},
              {logits, labels}, {loss});
    // The ranks' maxima, sums and target logits, three fp32 numbers a token.
    if (emit.tensor_parallel() > 1)
      emit.step(Module::tensor_parallel, "loss",
                Collective{CollectiveKind::all_reduce, emit.tensor_parallel(),
                           12.0 * static_cast<double>(emit.tokens()), Span::node},
                {loss}, {emit.activation("loss", emit.tokens(), 1)});
  }
  emit.finish(no_tensor);
}

void emit_update(Emitter& emit) {
  const shape::Workload& workload = emit.workload;
  const std::int64_t parameters = shape::parameters_per_gpu(emit.model, workload);
  const std::int64_t ranks = workload.data_parallel;
  const std::int64_t trained = shape::trained_parameters_per_gpu(emit.model, workload);
  const auto collective = [&](std::string_view detail, CollectiveKind kind, std::int64_t of) {
    const double size = static_cast<double>(of) * bytes_per_element(workload.dtype);
    emit.update(Module::data_parallel, detail, Collective{kind, ranks, size, Span::network});
  };
  const bool sharded = workload.sharding != Sharding::none;
  if (ranks > 1) {
    if (workload.sharding == Sharding::parameters) {
      collective("weights for forward", CollectiveKind::all_gather, parameters);
      collective("weights for backward", CollectiveKind::all_gather, parameters);
    }
    collective("gradients", sharded ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce, trained);
  }
  const std::int64_t own = sharded ? (trained + ranks - 1) / ranks : trained;
  emit.update(Module::optimizer, "", Optimizer{own, workload.dtype});
  if (ranks > 1 && sharded && workload.sharding != Sharding::parameters)
    collective("updated weights", CollectiveKind::all_gather, trained);
  emit.finish(no_tensor);
}

}  // namespace gemmetry::op
