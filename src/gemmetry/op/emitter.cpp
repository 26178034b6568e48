#include "gemmetry/op/emitter.h"

#include <algorithm>

#include "gemmetry/op/backward.h"

namespace gemmetry::op {

using shape::Phase;
using shape::Recompute;

Emitter::Emitter(const shape::Model& m, const shape::Workload& w, Sink& sink) : model(m), workload(w), sink_(sink) {
  tensors_.reserve(64);
  tape_.reserve(32);
}

std::int64_t Emitter::new_tokens() const {
  return workload.phase == Phase::decode ? workload.new_tokens : workload.sequence;
}
std::int64_t Emitter::tokens() const { return workload.batch * new_tokens(); }
std::int64_t Emitter::stream_rows() const { return workload.sequence_parallel ? sharded(tokens()) : tokens(); }
std::int64_t Emitter::key_tokens() const {
  return workload.phase == Phase::decode ? workload.cache + workload.new_tokens : workload.sequence;
}
std::int64_t Emitter::heads() const { return sharded(model.attention.heads); }
std::int64_t Emitter::kv_heads() const { return sharded(model.attention.kv_heads); }
std::int64_t Emitter::sharded(std::int64_t size) const {
  return (size + workload.tensor_parallel - 1) / workload.tensor_parallel;
}
bool Emitter::caches() const { return workload.phase == Phase::prefill || workload.phase == Phase::decode; }

TensorId Emitter::tensor(std::string_view name, Role role, std::int64_t rows, std::int64_t columns) {
  const Tensor tensor{name, role, rows, columns, workload.dtype};
  tensors_.push_back({tensor, sink_.tensor(tensor), no_tensor});
  return static_cast<TensorId>(tensors_.size() - 1);
}

void Emitter::send(Step step) {
  const auto translated = [this](const TensorList& local) {
    TensorList ids;
    for (const TensorId id : local) ids.push_back(tensors_[static_cast<std::size_t>(id)].in_sink);
    return ids;
  };
  step.inputs = translated(step.inputs);
  step.outputs = translated(step.outputs);
  sink_.step(step);
}

void Emitter::step(Module module, std::string_view detail, const Operator& op, TensorList inputs, TensorList outputs) {
  const Step step{module, detail, Pass::forward, op, inputs, outputs};
  if (training()) tape_.push_back({step, true});
  send(step);
}

void Emitter::update(Module module, std::string_view detail, const Operator& op) {
  send({module, detail, Pass::update, op, {}, {}});
}

TensorId Emitter::linear(Module module, std::string_view detail, TensorId x, std::int64_t out, bool bias) {
  const Tensor in = shape_of(x);
  const TensorId weight = tensor("weight", Role::weight, out, in.columns);
  const TensorId y = activation("product", in.rows, out);
  step(module, detail,
       Gemm{1, in.rows, out, in.columns, workload.dtype, Layout::nt, bias ? Epilogue::bias : Epilogue::none},
       {x, weight}, {y});
  return y;
}

TensorId Emitter::norm(Module module, std::string_view detail, TensorId x) {
  const Tensor in = shape_of(x);
  const TensorId y = activation("normed", in.rows, in.columns);
  step(module, detail, Norm{in.rows, in.columns, model.norm, false, workload.dtype}, {x}, {y});
  return y;
}

TensorId Emitter::residual(TensorId x, TensorId branch) {
  const Tensor in = shape_of(x);
  const TensorId y = tensor("hidden", Role::carried, in.rows, in.columns);
  step(Module::residual, "", Residual{in.rows, in.columns, training() && workload.dropout, false, workload.dtype},
       {x, branch}, {y});
  return y;
}

TensorId Emitter::pointwise(Module module, std::string_view detail, Function function, TensorId x, std::int64_t rows,
                            std::int64_t columns, double read_bytes, double write_bytes) {
  const TensorId y = activation(detail, rows, columns);
  step(module, detail, Pointwise{function, rows * columns, read_bytes, write_bytes}, {x}, {y});
  return y;
}

void Emitter::collective(CollectiveKind kind, TensorId in, TensorId out, double size_bytes, bool forward) {
  const Step step{Module::tensor_parallel,
                  "",
                  Pass::forward,
                  Collective{kind, workload.tensor_parallel, size_bytes, Span::node},
                  {in},
                  {out}};
  if (training()) tape_.push_back({step, forward});
  if (forward) send(step);
}

TensorId Emitter::enter_parallel(TensorId x) {
  if (workload.tensor_parallel == 1) return x;
  const std::int64_t columns = shape_of(x).columns;
  const double size = static_cast<double>(tokens()) * static_cast<double>(columns) * bytes_per_element(workload.dtype);
  const TensorId gathered = activation("gathered", tokens(), columns);
  if (workload.sequence_parallel) {
    collective(CollectiveKind::all_gather, x, gathered, size, true);
    return gathered;
  }
  if (!training()) return x;
  collective(CollectiveKind::all_reduce, x, gathered, size, false);
  return gathered;
}

TensorId Emitter::leave_parallel(TensorId x) {
  if (workload.tensor_parallel == 1) return x;
  const Tensor in = shape_of(x);
  const double size = static_cast<double>(in.rows) * static_cast<double>(in.columns) * bytes_per_element(in.dtype);
  const bool split = workload.sequence_parallel;
  const TensorId summed = activation("summed", split ? stream_rows() : in.rows, in.columns);
  collective(split ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce, x, summed, size, true);
  return summed;
}

void Emitter::finish(TensorId result) {
  if (training()) Backward(*this).run();
  sink_.end(result == no_tensor ? no_tensor : tensors_[static_cast<std::size_t>(result)].in_sink);
}

}  // namespace gemmetry::op
