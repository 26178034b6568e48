#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::measure {
namespace {

void settle(std::int64_t& stride, std::int64_t dense) {
  if (stride == 0) stride = dense;
}

void settle(ProductKernel& p) {
  const op::Gemm& g = p.gemm;
  const bool a_turned = g.layout == op::Layout::tn;
  const bool b_turned = g.layout == op::Layout::nt;
  settle(p.a_stride, a_turned ? g.m : g.k);
  settle(p.b_stride, b_turned ? g.k : g.n);
  settle(p.c_stride, g.n);
  settle(p.a_batch, (a_turned ? g.k : g.m) * p.a_stride);
  settle(p.b_batch, (b_turned ? g.n : g.k) * p.b_stride);
  settle(p.c_batch, g.m * p.c_stride);
}

void settle(ActivatedProductKernel& a) { settle(a.product); }

void settle(AttentionKernel& k) {
  const op::Attention& a = k.attention;
  settle(k.q_stride, a.heads * a.head_dim);
  settle(k.k_stride, a.kv_heads * a.head_dim);
  settle(k.v_stride, a.kv_heads * a.value_dim);
  settle(k.o_stride, a.heads * a.value_dim);
  settle(k.k_sequence, a.keys * k.k_stride);
  settle(k.v_sequence, a.keys * k.v_stride);
}

void settle(NormKernel& n) {
  settle(n.x_stride, n.groups * n.norm.width);
  settle(n.y_stride, n.groups * n.norm.width);
}

void settle(RotaryKernel& r) {
  settle(r.head_dim, r.rotary.dim);
  settle(r.x_stride, r.rotary.heads * r.head_dim);
}

void settle(AppendKernel& a) {
  settle(a.k_stride, a.key_width);
  settle(a.v_stride, a.value_width);
}

void settle(RotaryAppendKernel& r) {
  settle(r.head_dim, r.rotary.dim);
  settle(r.value_dim, r.head_dim);
  settle(r.q_stride, r.rotary.heads * r.head_dim);
  settle(r.k_stride, r.kv_heads * r.head_dim);
  settle(r.v_stride, r.kv_heads * r.value_dim);
}

void settle(ActivationKernel& a) {
  settle(a.x_stride, a.activation.width);
  settle(a.y_stride, a.activation.width);
}

void settle(GatherKernel& g) { settle(g.x_stride, g.width); }

void settle(HeadsKernel& h) {
  settle(h.token_stride, h.heads * h.dim * (h.gather ? h.repeat : 1));
  settle(h.sequence_stride, h.tokens * h.token_stride);
}

void settle(SampleKernel& s) { settle(s.stride, s.vocab); }

template <class Other>
void settle(Other&) {}

struct Name {
  std::string_view operator()(const ProductKernel&) const { return "product"; }
  std::string_view operator()(const ActivatedProductKernel&) const { return "product and activation"; }
  std::string_view operator()(const AttentionKernel&) const { return "attention"; }
  std::string_view operator()(const NormKernel&) const { return "norm"; }
  std::string_view operator()(const RotaryKernel&) const { return "rotary"; }
  std::string_view operator()(const AppendKernel&) const { return "append"; }
  std::string_view operator()(const RotaryAppendKernel&) const { return "rotary and append"; }
  std::string_view operator()(const ActivationKernel&) const { return "activation"; }
  std::string_view operator()(const EmbeddingKernel&) const { return "embedding"; }
  std::string_view operator()(const GatherKernel&) const { return "gather"; }
  std::string_view operator()(const SoftmaxKernel&) const { return "softmax"; }
  std::string_view operator()(const HeadsKernel&) const { return "heads"; }
  std::string_view operator()(const SampleKernel&) const { return "sample"; }
  std::string_view operator()(const AdvanceKernel&) const { return "advance"; }
  std::string_view operator()(const FillKernel&) const { return "fill"; }
};

struct OperandCount {
  std::int64_t operator()(const ProductKernel& p) const { return 3 + (reads_bias(p) ? 1 : 0) + (p.residual ? 1 : 0); }
  std::int64_t operator()(const ActivatedProductKernel& a) const {
    return 2 + (a.gated ? 2 : 1) * (reads_bias(a.product) ? 2 : 1);
  }
  std::int64_t operator()(const AttentionKernel& a) const { return 4 + (a.lengths ? 1 : 0) + (a.slots ? 1 : 0); }
  std::int64_t operator()(const NormKernel& n) const { return n.norm.norm == shape::NormKind::layer_norm ? 4 : 3; }
  std::int64_t operator()(const RotaryKernel&) const { return 3; }
  std::int64_t operator()(const AppendKernel&) const { return 6; }
  std::int64_t operator()(const RotaryAppendKernel&) const { return 8; }
  std::int64_t operator()(const ActivationKernel& a) const { return a.activation.gated ? 3 : 2; }
  std::int64_t operator()(const EmbeddingKernel& e) const { return e.embedding.positions ? 5 : 3; }
  std::int64_t operator()(const GatherKernel&) const { return 3; }
  std::int64_t operator()(const SoftmaxKernel&) const { return 2; }
  std::int64_t operator()(const HeadsKernel&) const { return 2; }
  std::int64_t operator()(const SampleKernel&) const { return 3; }
  std::int64_t operator()(const AdvanceKernel&) const { return 4; }
  std::int64_t operator()(const FillKernel&) const { return 1; }
};

}  // namespace

std::string_view name(const Kernel& kernel) { return std::visit(Name{}, kernel); }

std::int64_t operand_count(const Kernel& kernel) { return std::visit(OperandCount{}, kernel); }

Kernel with_strides(const Kernel& kernel) {
  Kernel settled = kernel;
  std::visit([](auto& one) { settle(one); }, settled);
  return settled;
}

}  // namespace gemmetry::measure
