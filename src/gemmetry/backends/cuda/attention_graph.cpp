#include "gemmetry/backends/cuda/attention_graph.h"

#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <array>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gemmetry::backends::cuda {
namespace {

namespace fe = cudnn_frontend;
using Tensor = std::shared_ptr<fe::graph::Tensor_attributes>;

std::string text(const op::Attention& a) {
  std::string what = a.backward ? "backward attention" : "attention";
  const std::array<std::pair<const char*, std::int64_t>, 8> sizes = {{{"batch", a.batch},
                                                                      {"queries", a.queries},
                                                                      {"keys", a.keys},
                                                                      {"heads", a.heads},
                                                                      {"kv_heads", a.kv_heads},
                                                                      {"head_dim", a.head_dim},
                                                                      {"value_dim", a.value_dim},
                                                                      {"window", a.window}}};
  for (const auto& [name, size] : sizes) what += " " + std::string(name) + " " + std::to_string(size);
  return what + (a.causal ? " causal " : " ") + std::string(shape::name(a.dtype));
}

Status unsupported(const op::Attention& attention, const std::string& reason) {
  return failure(StatusCode::unsupported, "%s: cuDNN %zu: %.110s", text(attention).c_str(),
                 fe::detail::get_backend_version(), reason.c_str());
}

/// Refuses what the library is not asked about.
Status inspect(const op::Attention& a) {
  const std::array<std::int64_t, 7> sizes = {a.batch, a.queries, a.keys, a.heads, a.kv_heads, a.head_dim, a.value_dim};
  for (const std::int64_t size : sizes) {
    if (size < 1) return failure(StatusCode::unsupported, "%s: a size is below 1", text(a).c_str());
  }
  if (a.dtype != shape::Dtype::bf16 && a.dtype != shape::Dtype::fp16)
    return failure(StatusCode::unsupported, "%s: cuDNN's attention takes bf16 and fp16 here", text(a).c_str());
  return {};
}

bool windowed(const op::Attention& a) { return a.window > 0 && a.window < a.keys; }

/// The window of a single query is the end of the keys: no mask is needed. (Backward, all keys have a gradient.)
bool last_keys_only(const op::Attention& a) { return a.queries == 1 && windowed(a) && !a.backward; }

/// A single query sees all keys, causal or not.
bool masked(const op::Attention& a) { return a.queries > 1 ? a.causal || windowed(a) : windowed(a) && a.backward; }

std::int64_t visible_keys(const op::Attention& a) { return last_keys_only(a) ? a.window : a.keys; }

}  // namespace

struct AttentionGraph::Parts {
  op::Attention attention;
  measure::AttentionKernel place;  ///< where its operands lie
  cudnnHandle_t handle = nullptr;
  fe::graph::Graph graph;
  /// Where each of the operands lies in the graph, by position in measure::operands.
  std::unordered_map<std::int64_t, std::int64_t> operand_of;

  /// Rows of `tokens` tokens, `heads` heads of `dim` elements each, as the library's batch x head x token x dim;
  /// `stride` elements from a token to the next, `sequence` from a sequence to the next.
  Tensor tensor(const char* name, std::int64_t operand, std::int64_t heads, std::int64_t tokens, std::int64_t dim,
                std::int64_t stride, std::int64_t sequence) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_name(name)
                            .set_uid(uid(operand))
                            .set_dim({attention.batch, heads, tokens, dim})
                            .set_stride({sequence, dim, stride, 1}));
  }

  void output(const Tensor& tensor, std::int64_t operand, std::int64_t heads, std::int64_t tokens, std::int64_t dim,
              std::int64_t stride) {
    tensor->set_output(true)
        .set_uid(uid(operand))
        .set_dim({attention.batch, heads, tokens, dim})
        .set_stride({tokens * stride, dim, stride, 1});
  }

  Tensor statistics(std::int64_t operand) {
    return graph.tensor(fe::graph::Tensor_attributes()
                            .set_name("log_sum_exp")
                            .set_uid(uid(operand))
                            .set_dim({attention.batch, attention.heads, attention.queries, 1})
                            .set_stride({attention.heads * attention.queries, attention.queries, 1, 1})
                            .set_data_type(fe::DataType_t::FLOAT));
  }

  std::int64_t uid(std::int64_t operand) {
    operand_of[operand + 1] = operand;
    return operand + 1;
  }

  template <class Attributes>
  void mask(Attributes& attributes) const {
    const op::Attention& a = attention;
    attributes.set_attn_scale(1.0f / std::sqrt(static_cast<float>(a.head_dim)));
    if (!masked(a)) return;
    // The last query sees all keys. Aligned at the other end it is the same for square scores, and more engines do it.
    attributes.set_diagonal_alignment(a.queries == a.keys ? fe::DiagonalAlignment_t::TOP_LEFT
                                                          : fe::DiagonalAlignment_t::BOTTOM_RIGHT);
    if (a.causal) attributes.set_diagonal_band_right_bound(0);
    if (windowed(a)) attributes.set_diagonal_band_left_bound(static_cast<int>(a.window));
  }

  void describe(bool with_statistics) {
    const op::Attention& a = attention;
    const fe::DataType_t type = a.dtype == shape::Dtype::bf16 ? fe::DataType_t::BFLOAT16 : fe::DataType_t::HALF;
    graph.set_io_data_type(type)
        .set_intermediate_data_type(fe::DataType_t::FLOAT)
        .set_compute_data_type(fe::DataType_t::FLOAT);
    const std::int64_t seen = visible_keys(a);
    const measure::AttentionKernel& p = place;
    const Tensor q = tensor("q", 0, a.heads, a.queries, a.head_dim, p.q_stride, a.queries * p.q_stride);
    const Tensor k = tensor("k", 1, a.kv_heads, seen, a.head_dim, p.k_stride, p.k_sequence);
    const Tensor v = tensor("v", 2, a.kv_heads, seen, a.value_dim, p.v_stride, p.v_sequence);
    if (!a.backward) {
      auto attributes = fe::graph::SDPA_attributes().set_name("attention").set_generate_stats(with_statistics);
      mask(attributes);
      const auto [o, stats] = graph.sdpa(q, k, v, attributes);
      output(o, 3, a.heads, a.queries, a.value_dim, p.o_stride);
      if (!with_statistics) return;
      stats->set_output(true)
          .set_uid(uid(4))
          .set_data_type(fe::DataType_t::FLOAT)
          .set_dim({a.batch, a.heads, a.queries, 1})
          .set_stride({a.heads * a.queries, a.queries, 1, 1});
      return;
    }
    const std::int64_t o_sequence = a.queries * p.o_stride;
    const Tensor o = tensor("o", 3, a.heads, a.queries, a.value_dim, p.o_stride, o_sequence);
    const Tensor stats = statistics(4);
    const Tensor gradient = tensor("o gradient", 5, a.heads, a.queries, a.value_dim, p.o_stride, o_sequence);
    auto attributes = fe::graph::SDPA_backward_attributes().set_name("attention backward");
    mask(attributes);
    const auto [dq, dk, dv] = graph.sdpa_backward(q, k, v, o, gradient, stats, attributes);
    output(dq, 6, a.heads, a.queries, a.head_dim, p.q_stride);
    output(dk, 7, a.kv_heads, a.keys, a.head_dim, p.k_stride);
    output(dv, 8, a.kv_heads, a.keys, a.value_dim, p.v_stride);
  }

  fe::error_t propose() {
    fe::error_t error = graph.validate();
    if (error.is_good()) error = graph.build_operation_graph(handle);
    if (error.is_good()) error = graph.create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK});
    return error;
  }
};

AttentionGraph::AttentionGraph(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

AttentionGraph::~AttentionGraph() = default;

Status AttentionGraph::make(Libraries& libraries, const measure::AttentionKernel& kernel, bool statistics,
                            std::unique_ptr<AttentionGraph>* graph) {
  const op::Attention& attention = kernel.attention;
  if (const Status status = inspect(attention); !status.ok()) return status;
  auto parts = std::make_unique<Parts>();
  if (const Status status = libraries.cudnn(&parts->handle); !status.ok()) return status;
  parts->attention = attention;
  parts->place = kernel;
  // The library reports what it cannot do by a status in most places, by an exception in others.
  try {
    parts->describe(statistics);
    const fe::error_t error = parts->propose();
    if (error.is_bad()) return unsupported(attention, error.err_msg);
    if (parts->graph.get_execution_plan_count() < 1) return unsupported(attention, "it has no engine for it");
  } catch (const std::exception& error) {
    return unsupported(attention, error.what());
  }
  graph->reset(new AttentionGraph(std::move(parts)));
  return {};
}

std::int64_t AttentionGraph::engines() const { return parts_->graph.get_execution_plan_count(); }

std::string AttentionGraph::engine_name(std::int64_t engine) const {
  std::string name;
  if (parts_->graph.get_plan_name_at_index(engine, name).is_bad()) name = "engine " + std::to_string(engine);
  return name;
}

Status AttentionGraph::build(std::int64_t engine) {
  try {
    const fe::error_t error = parts_->graph.build_plan_at_index(engine);
    return error.is_good() ? Status{} : unsupported(parts_->attention, error.err_msg);
  } catch (const std::exception& error) {
    return unsupported(parts_->attention, error.what());
  }
}

std::int64_t AttentionGraph::workspace_bytes(std::int64_t engine) const {
  return parts_->graph.get_workspace_size_plan_at_index(engine);
}

Status AttentionGraph::enqueue(std::int64_t engine, void* const* operands, void* workspace, cudaStream_t stream) {
  const op::Attention& a = parts_->attention;
  try {
    std::unordered_map<std::int64_t, void*> pointers;
    for (const auto& [uid, operand] : parts_->operand_of) {
      void* pointer = operands[operand];
      if (last_keys_only(a) && (operand == 1 || operand == 2)) {
        const std::int64_t stride = operand == 1 ? parts_->place.k_stride : parts_->place.v_stride;
        pointer = static_cast<char*>(pointer) + (a.keys - a.window) * stride * 2;
      }
      pointers.emplace(uid, pointer);
    }
    if (fe::detail::set_stream(parts_->handle, stream) != CUDNN_STATUS_SUCCESS)
      return failure(StatusCode::failed, "cuDNN does not take the stream");
    const fe::error_t error = parts_->graph.execute_plan_at_index(parts_->handle, pointers, workspace, engine);
    if (error.is_good()) return {};
    const Status lost = check(cudaGetLastError(), "run attention by cuDNN");
    return lost.ok() ? failure(StatusCode::failed, "%s: %.110s", text(a).c_str(), error.err_msg.c_str()) : lost;
  } catch (const std::exception& error) {
    return failure(StatusCode::failed, "%s: %.110s", text(a).c_str(), error.what());
  }
}

}  // namespace gemmetry::backends::cuda
