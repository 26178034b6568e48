#include "gemmetry/measure/kernel_check.h"

#include <fmt/format.h>

#include <initializer_list>
#include <limits>

#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::measure {
namespace {

struct Size {
  const char* name;
  std::int64_t value;
  std::int64_t least = 0;
};

/// The first of the sizes that is too small.
std::string sizes(std::initializer_list<Size> all) {
  for (const Size& size : all)
    if (size.value < size.least) return fmt::format("{} = {}: use at least {}", size.name, size.value, size.least);
  return {};
}

std::string elements(Element element) {
  if (element == Element::bf16 || element == Element::fp16 || element == Element::fp32) return {};
  return "elements other than bf16, fp16 and fp32: only products take fp8";
}

std::string elements(shape::Dtype dtype) { return elements(element_of(dtype)); }

std::string first(std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems)
    if (!problem.empty()) return problem;
  return {};
}

std::string forward(bool backward) { return backward ? "backward: models run forward" : ""; }

std::string check(const ProductKernel& p) {
  const op::Gemm& g = p.gemm;
  if (g.epilogue == op::Epilogue::bias_gradient) return "epilogue bias_gradient: models run forward";
  if (p.accumulate && p.residual) return "accumulate and residual: c is added to itself or x is, not both";
  if ((p.accumulate || p.residual) && is_gelu(p))
    return "accumulate with gelu: run the activation as a kernel of its own";
  return sizes({{"batch", g.batch},
                {"m", g.m},
                {"n", g.n},
                {"k", g.k, p.residual ? 1 : 0},
                {"a_stride", p.a_stride, g.layout == op::Layout::tn ? g.m : g.k},
                {"b_stride", p.b_stride, g.layout == op::Layout::nt ? g.k : g.n},
                {"c_stride", p.c_stride, g.n}});
}

std::string check(const ActivatedProductKernel& a) {
  const op::Gemm& g = a.product.gemm;
  if (g.layout != op::Layout::nt || g.batch != 1) return "a layout other than nt, or a batch: use a linear layer";
  if (g.epilogue != op::Epilogue::none && g.epilogue != op::Epilogue::bias) return "epilogue: use none or bias";
  if (a.product.accumulate || a.product.residual) return "accumulate or residual: there is none behind an activation";
  if (g.m > most_activated_rows)
    return fmt::format("m = {}: use at most {}, or the activation as a kernel of its own", g.m, most_activated_rows);
  return first({elements(g.dtype), check(a.product)});
}

std::string check(const AttentionKernel& k) {
  const op::Attention& a = k.attention;
  const std::string small = first({forward(a.backward), elements(a.dtype),
                                   sizes({{"batch", a.batch},
                                          {"queries", a.queries},
                                          {"keys", a.keys, 1},
                                          {"heads", a.heads, 1},
                                          {"kv_heads", a.kv_heads, 1},
                                          {"head_dim", a.head_dim, 1},
                                          {"value_dim", a.value_dim, 1},
                                          {"window", a.window},
                                          {"splits", k.splits},
                                          {"q_stride", k.q_stride, a.heads * a.head_dim},
                                          {"k_stride", k.k_stride, a.kv_heads * a.head_dim},
                                          {"v_stride", k.v_stride, a.kv_heads * a.value_dim},
                                          {"o_stride", k.o_stride, a.heads * a.value_dim}})});
  if (!small.empty()) return small;
  if (a.heads % a.kv_heads != 0)
    return fmt::format("heads = {}, kv_heads = {}: use heads that are a multiple of kv_heads", a.heads, a.kv_heads);
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / 2;
  return a.keys > most ? fmt::format("keys = {}: use at most {}", a.keys, most) : "";
}

std::string check(const NormKernel& n) {
  return first({forward(n.norm.backward), elements(n.norm.dtype),
                sizes({{"rows", n.norm.rows},
                       {"width", n.norm.width, 1},
                       {"groups", n.groups, 1},
                       {"x_stride", n.x_stride, n.groups * n.norm.width},
                       {"y_stride", n.y_stride, n.groups * n.norm.width}})});
}

std::string check(const RotaryKernel& r) {
  if (r.rotary.dim % 2 != 0) return fmt::format("dim = {}: use an even number", r.rotary.dim);
  return first({elements(r.rotary.dtype), sizes({{"tokens", r.rotary.tokens},
                                                 {"heads", r.rotary.heads},
                                                 {"dim", r.rotary.dim},
                                                 {"head_dim", r.head_dim, r.rotary.dim},
                                                 {"x_stride", r.x_stride, r.rotary.heads * r.head_dim}})});
}

std::string check(const AppendKernel& a) {
  return first({elements(a.element), sizes({{"rows", a.rows},
                                            {"key_width", a.key_width},
                                            {"value_width", a.value_width},
                                            {"capacity", a.capacity, 1},
                                            {"k_stride", a.k_stride, a.key_width},
                                            {"v_stride", a.v_stride, a.value_width}})});
}

std::string check(const RotaryAppendKernel& r) {
  if (r.rotary.backward) return "backward: models run forward";
  if (r.rotary.dim % 2 != 0) return fmt::format("dim = {}: use an even number", r.rotary.dim);
  return first({elements(r.rotary.dtype), sizes({{"tokens", r.rotary.tokens},
                                                 {"heads", r.rotary.heads},
                                                 {"kv_heads", r.kv_heads},
                                                 {"dim", r.rotary.dim},
                                                 {"head_dim", r.head_dim, r.rotary.dim},
                                                 {"value_dim", r.value_dim},
                                                 {"capacity", r.capacity, 1},
                                                 {"q_stride", r.q_stride, r.rotary.heads * r.head_dim},
                                                 {"k_stride", r.k_stride, r.kv_heads * r.head_dim},
                                                 {"v_stride", r.v_stride, r.kv_heads * r.value_dim}})});
}

std::string check(const ActivationKernel& a) {
  return first({forward(a.activation.backward), elements(a.activation.dtype),
                sizes({{"rows", a.activation.rows},
                       {"width", a.activation.width},
                       {"x_stride", a.x_stride, a.activation.width},
                       {"y_stride", a.y_stride, a.activation.width}})});
}

std::string check(const EmbeddingKernel& e) {
  return first({forward(e.embedding.backward), elements(e.embedding.dtype),
                sizes({{"tokens", e.embedding.tokens},
                       {"width", e.embedding.width},
                       {"table_rows", e.table_rows},
                       {"position_rows", e.position_rows}})});
}

std::string check(const GatherKernel& g) {
  return first({elements(g.element), sizes({{"rows", g.rows}, {"width", g.width}, {"x_stride", g.x_stride, g.width}})});
}

std::string check(const SoftmaxKernel& s) {
  return first({forward(s.softmax.backward), elements(s.softmax.dtype),
                sizes({{"rows", s.softmax.rows},
                       {"columns", s.softmax.columns},
                       {"queries", s.queries, 1},
                       {"window", s.window}})});
}

std::string check(const HeadsKernel& h) {
  const std::int64_t row = h.heads * h.dim * (h.gather ? h.repeat : 1);
  return first({elements(h.element), sizes({{"batch", h.batch},
                                            {"tokens", h.tokens},
                                            {"heads", h.heads},
                                            {"dim", h.dim},
                                            {"repeat", h.repeat, 1},
                                            {"token_stride", h.token_stride, row}})});
}

std::string check(const SampleKernel& s) {
  return first({elements(s.element), sizes({{"rows", s.rows}, {"vocab", s.vocab, 1}, {"stride", s.stride, s.vocab}})});
}

std::string check(const AdvanceKernel& a) { return sizes({{"rows", a.rows}}); }

std::string check(const FillKernel& f) {
  if (f.element == Element::int32 || f.element == Element::byte) return "whole numbers: use a type of floating point";
  return sizes({{"elements", f.elements}});
}

}  // namespace

std::string problem(const Kernel& kernel) {
  const std::string found = std::visit([](const auto& one) { return check(one); }, kernel);
  return found.empty() ? found : fmt::format("kernel {}: {}", name(kernel), found);
}

}  // namespace gemmetry::measure
