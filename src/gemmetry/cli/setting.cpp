#include "gemmetry/cli/setting.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/report/number.h"
#include "gemmetry/shape/adapter.h"
#include "gemmetry/shape/parameters.h"

namespace gemmetry::cli {
namespace {

using report::Column;
using report::Unit;
using report::Value;
using shape::Model;
using shape::Workload;

Value text(std::string_view words) { return std::string(words); }

/// A size that is 0 where the model has no such thing.
Value if_any(std::int64_t size) { return size > 0 ? Value(size) : Value(); }

std::string parameters_text(const Model& model) {
  const shape::ParameterCount count = shape::count_parameters(model);
  std::string line = fmt::format("{} ({})", report::grouped(count.total),
                                 report::shown(static_cast<double>(count.total), Unit::count));
  if (count.active != count.total)
    line += fmt::format(", {} active", report::shown(static_cast<double>(count.active), Unit::count));
  if (count.adapter > 0) line += fmt::format(", {} in the adapter", report::grouped(count.adapter));
  return line +
         fmt::format("; the paper's formula gives {}", report::shown(shape::paper_parameters(model), Unit::count));
}

std::string sizes_text(const Model& model) {
  const shape::AttentionShape& attention = model.attention;
  std::string line = fmt::format("h {}, L {}, heads {}", model.hidden, model.layers, attention.heads);
  if (attention.kv_heads != attention.heads) line += fmt::format(" (KV {})", attention.kv_heads);
  line += fmt::format(", head dim {}", attention.head_dim);
  const std::vector<shape::LayerGroup> groups = shape::layer_groups(model);
  if (std::any_of(groups.begin(), groups.end(), [](const shape::LayerGroup& group) { return !group.kind.sparse; }))
    line += fmt::format(", d_ff {} {}{}", model.ffn.width, model.ffn.gated ? "gated " : "", name(model.ffn.activation));
  if (model.experts)
    line += fmt::format(", {} experts of {} ({} active)", model.experts->count, model.experts->width,
                        model.experts->active);
  line += fmt::format(", v {}, {} positions", model.vocab, name(model.positions));
  if (attention.window > 0) line += fmt::format(", window {}", attention.window);
  if (model.adapter) line += fmt::format(", adapter {}", to_text(*model.adapter));
  return line;
}

std::vector<Column<Model>> make_model_columns() {
  const auto experts = [](std::int64_t shape::Experts::*size) {
    return [size](const Model& m) { return m.experts ? if_any(*m.experts.*size) : Value(); };
  };
  return {
      {{.key = "name", .heading = "model"}, [](const Model& m) { return text(m.name); }},
      {{.key = "family"}, [](const Model& m) { return text(m.family); }},
      {{.key = "", .heading = "parameters"}, [](const Model& m) { return text(parameters_text(m)); }},
      {{.key = "", .heading = "sizes"}, [](const Model& m) { return text(sizes_text(m)); }},
      {{.key = "parameters"}, [](const Model& m) { return Value(shape::count_parameters(m).total); }},
      {{.key = "parameters_active"}, [](const Model& m) { return Value(shape::count_parameters(m).active); }},
      {{.key = "parameters_paper"}, [](const Model& m) { return Value(shape::paper_parameters(m)); }},
      {{.key = "hidden"}, [](const Model& m) { return Value(m.hidden); }},
      {{.key = "layers"}, [](const Model& m) { return Value(m.layers); }},
      {{.key = "heads"}, [](const Model& m) { return Value(m.attention.heads); }},
      {{.key = "kv_heads"}, [](const Model& m) { return Value(m.attention.kv_heads); }},
      {{.key = "head_dim"}, [](const Model& m) { return Value(m.attention.head_dim); }},
      {{.key = "value_dim"}, [](const Model& m) { return Value(m.attention.value_dim); }},
      {{.key = "window"}, [](const Model& m) { return if_any(m.attention.window); }},
      {{.key = "ffn"}, [](const Model& m) { return if_any(m.ffn.width); }},
      {{.key = "gated"}, [](const Model& m) { return Value(m.ffn.gated); }},
      {{.key = "activation"}, [](const Model& m) { return text(name(m.ffn.activation)); }},
      {{.key = "experts"}, experts(&shape::Experts::count)},
      {{.key = "experts_active"}, experts(&shape::Experts::active)},
      {{.key = "expert_width"}, experts(&shape::Experts::width)},
      {{.key = "shared_width"}, experts(&shape::Experts::shared_width)},
      {{.key = "vocab"}, [](const Model& m) { return Value(m.vocab); }},
      {{.key = "positions"}, [](const Model& m) { return text(name(m.positions)); }},
      {{.key = "max_positions"}, [](const Model& m) { return if_any(m.max_positions); }},
      {{.key = "norm"},
       [](const Model& m) { return text(m.norm == shape::NormKind::layer_norm ? "layernorm" : "rmsnorm"); }},
      {{.key = "parallel_residual"}, [](const Model& m) { return Value(m.parallel_residual); }},
      {{.key = "tied"}, [](const Model& m) { return m.head.present ? Value(m.head.tied) : Value(); }},
      {{.key = "adapter"}, [](const Model& m) { return m.adapter ? text(name(m.adapter->kind)) : Value(); }},
      {{.key = "adapter_rank"}, [](const Model& m) { return m.adapter ? Value(m.adapter->rank) : Value(); }},
      {{.key = "adapter_parameters"},
       [](const Model& m) { return m.adapter ? Value(shape::count_parameters(m).adapter) : Value(); }},
  };
}

std::string work_text(const Workload& w) {
  const bool decode = w.phase == shape::Phase::decode;
  std::string line = fmt::format("{}, batch {}, {} {}, {}", name(w.phase), w.batch, decode ? "cache" : "sequence",
                                 decode ? w.cache : w.sequence, name(w.dtype));
  if (w.new_tokens > 1) line += fmt::format(", {} new tokens at once", w.new_tokens);
  line += fmt::format(", {} attention, {} projections", name(w.attention), name(w.projections));
  if (w.recompute != shape::Recompute::none) line += fmt::format(", {} recompute", name(w.recompute));
  if (w.dropout) line += ", dropout";
  return line;
}

std::string split_text(const Workload& w) {
  std::string line;
  const auto add = [&](bool said, const std::string& words) {
    if (said) line += (line.empty() ? "" : ", ") + words;
  };
  add(w.tensor_parallel > 1, fmt::format("tensor {}", w.tensor_parallel));
  add(w.sequence_parallel, "sequence parallel");
  add(w.pipeline_parallel > 1, fmt::format("pipeline {}", w.pipeline_parallel));
  add(w.data_parallel > 1, fmt::format("data {}", w.data_parallel));
  add(w.sharding != shape::Sharding::none, fmt::format("{} sharded", name(w.sharding)));
  add(w.microbatches > 1, fmt::format("{} microbatches", w.microbatches));
  return line;
}

std::vector<Column<Workload>> workload_columns() {
  const auto only_decode = [](const Workload& w, Value value) {
    return w.phase == shape::Phase::decode ? value : Value();
  };
  const auto but_decode = [](const Workload& w, Value value) {
    return w.phase == shape::Phase::decode ? Value() : value;
  };
  return {
      {{.key = "", .heading = "workload"}, [](const Workload& w) { return text(work_text(w)); }},
      {{.key = "", .heading = "split"}, [](const Workload& w) { return text(split_text(w)); }},
      {{.key = "phase"}, [](const Workload& w) { return text(name(w.phase)); }},
      {{.key = "batch"}, [](const Workload& w) { return Value(w.batch); }},
      {{.key = "sequence"}, [=](const Workload& w) { return but_decode(w, w.sequence); }},
      {{.key = "cache"}, [=](const Workload& w) { return only_decode(w, w.cache); }},
      {{.key = "new_tokens"}, [=](const Workload& w) { return only_decode(w, w.new_tokens); }},
      {{.key = "dtype"}, [](const Workload& w) { return text(name(w.dtype)); }},
      {{.key = "tensor_parallel"}, [](const Workload& w) { return Value(w.tensor_parallel); }},
      {{.key = "pipeline_parallel"}, [](const Workload& w) { return Value(w.pipeline_parallel); }},
      {{.key = "data_parallel"}, [](const Workload& w) { return Value(w.data_parallel); }},
      {{.key = "sequence_parallel"}, [](const Workload& w) { return Value(w.sequence_parallel); }},
      {{.key = "sharding"}, [](const Workload& w) { return text(name(w.sharding)); }},
      {{.key = "recompute"}, [](const Workload& w) { return text(name(w.recompute)); }},
      {{.key = "microbatches"}, [](const Workload& w) { return Value(w.microbatches); }},
      {{.key = "attention"}, [](const Workload& w) { return text(name(w.attention)); }},
      {{.key = "projections"}, [](const Workload& w) { return text(name(w.projections)); }},
      {{.key = "dropout"}, [](const Workload& w) { return Value(w.dropout); }},
  };
}

using predict::Predictor;

std::vector<Column<const Predictor*>> gpu_columns() {
  return {
      {{.key = "name"}, [](const Predictor* p) { return text(p->gpu().name); }},
      {{.key = "title", .heading = "GPU"}, [](const Predictor* p) { return text(p->gpu().title); }},
      {{.key = "node"}, [](const Predictor* p) { return text(p->node().name); }},
      {{.key = "clocks"}, [](const Predictor* p) { return text(name(p->options().clocks)); }},
      {{.key = "launch"}, [](const Predictor* p) { return text(name_of(p->options().launch)); }},
      {{.key = "source", .heading = "source"}, [](const Predictor* p) { return text(p->source()); }},
  };
}

}  // namespace

const std::vector<Column<Model>>& model_columns() {
  static const std::vector<Column<Model>> columns = make_model_columns();
  return columns;
}

report::Section model_section(const Model& model) {
  return {"model", "", report::Facts{make_table(model_columns(), model)}};
}

report::Section workload_section(const Workload& workload) {
  return {"workload", "", report::Facts{make_table(workload_columns(), workload)}};
}

report::Section gpu_section(const Predictor& predictor) {
  return {"gpu", "", report::Facts{report::make_table(gpu_columns(), &predictor)}};
}

report::Interval interval(const op::Interval& interval) { return {interval.value, interval.low, interval.high}; }
report::Interval interval(const op::Ratio& ratio) { return {ratio.value, ratio.low, ratio.high}; }
report::Interval interval(const op::Cost& cost) { return {cost.time_s, cost.time_low_s(), cost.time_high_s()}; }

}  // namespace gemmetry::cli
