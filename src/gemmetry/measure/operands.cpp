#include "gemmetry/measure/operands.h"

#include <algorithm>
#include <cmath>

namespace gemmetry::measure {
namespace {

using Operands = std::vector<Operand>;

Operand in(std::string_view name, Element element, std::int64_t rows, std::int64_t columns, Fill fill = Fill::uniform,
           std::int64_t limit = 0) {
  return {name, element, rows, columns, Use::in, fill, limit};
}

Operand out(std::string_view name, Element element, std::int64_t rows, std::int64_t columns) {
  return {name, element, rows, columns, Use::out, Fill::none, 0};
}

Operand in_out(std::string_view name, Element element, std::int64_t rows, std::int64_t columns,
               Fill fill = Fill::uniform) {
  return {name, element, rows, columns, Use::in_out, fill, 0};
}

/// Results of fp8 products are bf16.
Element result_element(shape::Dtype dtype) { return dtype == shape::Dtype::fp8 ? Element::bf16 : element_of(dtype); }

/// For each of the batch c[m,n] = op(a) op(b), then the epilogue: bias: + bias[n]; gelu: the tanh form of GELU;
/// bias_gradient (tn): beside c the sums of a over k, [m].
Operands of(const op::Gemm& g) {
  const Element element = element_of(g.dtype);
  const Element result = result_element(g.dtype);
  const bool a_transposed = g.layout == op::Layout::tn;
  const bool b_transposed = g.layout == op::Layout::nt;
  Operands all{in("a", element, g.batch * (a_transposed ? g.k : g.m), a_transposed ? g.m : g.k),
               in("b", element, g.batch * (b_transposed ? g.n : g.k), b_transposed ? g.k : g.n)};
  if (g.epilogue == op::Epilogue::bias || g.epilogue == op::Epilogue::bias_gelu)
    all.push_back(in("bias", result, 1, g.n));
  all.push_back(out("c", result, g.batch * g.m, g.n));
  if (g.epilogue == op::Epilogue::bias_gradient) all.push_back(out("bias gradient", result, 1, g.m));
  return all;
}

/// Expert e owns rows_of_expert(rows, experts, e) of the rows, in order. nt: y = x w[e]^T; nn: y = x w[e]; tn:
/// c[e] = y_e^T x_e.
Operands of(const op::GroupedGemm& g) {
  const Element element = element_of(g.dtype);
  const Element result = result_element(g.dtype);
  if (g.layout == op::Layout::tn)
    return {in("y", element, g.rows, g.n), in("x", element, g.rows, g.k), out("c", result, g.experts * g.n, g.k)};
  const bool transposed = g.layout == op::Layout::nt;
  return {in("x", element, g.rows, g.k), in("w", element, g.experts * (transposed ? g.n : g.k), transposed ? g.k : g.n),
          out("y", result, g.rows, g.n)};
}

/// Rows are tokens of the sequences, one after the other; columns are heads of head_dim (value_dim) elements. Query
/// head h uses KV head h / (heads / kv_heads). o = softmax(q k^T / sqrt(head_dim)) v over the keys that causal and
/// window leave: query i stands at p = keys - queries + i, causal drops keys past p, a window those up to p - window;
/// log_sum_exp [batch heads, queries] is what the backward pass needs of the softmax, natural logarithm of the sum of
/// exponentials of the scaled scores. One query (decode) writes o alone.
Operands of(const op::Attention& a) {
  const Element element = element_of(a.dtype);
  const std::int64_t queries = a.batch * a.queries;
  const std::int64_t keys = a.batch * a.keys;
  const auto q = [&](auto make, std::string_view name) { return make(name, element, queries, a.heads * a.head_dim); };
  const auto k = [&](auto make, std::string_view name) { return make(name, element, keys, a.kv_heads * a.head_dim); };
  const auto v = [&](auto make, std::string_view name) { return make(name, element, keys, a.kv_heads * a.value_dim); };
  const auto o = [&](auto make, std::string_view name) { return make(name, element, queries, a.heads * a.value_dim); };
  const auto input = [](auto... args) { return in(args...); };
  const auto forward = [](auto... args) { return in(args..., Fill::forward); };
  const auto output = [](auto... args) { return out(args...); };
  Operands all{q(input, "q"), k(input, "k"), v(input, "v")};
  if (!a.backward) {
    all.push_back(o(output, "o"));
    if (a.queries > 1) all.push_back(out("log_sum_exp", Element::fp32, a.batch * a.heads, a.queries));
    return all;
  }
  all.push_back(o(forward, "o"));
  all.push_back(in("log_sum_exp", Element::fp32, a.batch * a.heads, a.queries, Fill::forward));
  all.push_back(o(input, "o gradient"));
  all.push_back(q(output, "q gradient"));
  all.push_back(k(output, "k gradient"));
  all.push_back(v(output, "v gradient"));
  return all;
}

/// LayerNorm: y = (x - mean) rstd weight + bias; RMSNorm: y = x rstd weight, rstd = 1 / sqrt(mean(x^2) + epsilon).
/// Statistics are kept for the backward pass, whose weight and bias gradients are summed over the rows.
Operands of(const op::Norm& n) {
  const Element element = element_of(n.dtype);
  const bool layer = n.norm == shape::NormKind::layer_norm;
  const auto statistics = [&](Operands& all, auto make) {
    if (layer) all.push_back(make("mean"));
    all.push_back(make("rstd"));
  };
  Operands all{in("x", element, n.rows, n.width), in("weight", element, 1, n.width)};
  if (!n.backward) {
    if (layer) all.push_back(in("bias", element, 1, n.width));
    all.push_back(out("y", element, n.rows, n.width));
    statistics(all, [&](std::string_view name) { return out(name, Element::fp32, 1, n.rows); });
    return all;
  }
  all.push_back(in("y gradient", element, n.rows, n.width));
  statistics(all, [&](std::string_view name) { return in(name, Element::fp32, 1, n.rows, Fill::forward); });
  all.push_back(out("x gradient", element, n.rows, n.width));
  all.push_back(out("weight gradient", element, 1, n.width));
  if (layer) all.push_back(out("bias gradient", element, 1, n.width));
  return all;
}

/// y = softmax(x); masked: softmax(softmax_scale x) over the columns that softmax_visible(op, row) leaves, 0 elsewhere.
/// Backward: dx = scale y (dy - sum(y dy)), with any y.
Operands of(const op::Softmax& s) {
  const Element element = element_of(s.dtype);
  if (!s.backward) return {in("x", element, s.rows, s.columns), out("y", element, s.rows, s.columns)};
  return {in("y", element, s.rows, s.columns, Fill::positive), in("y gradient", element, s.rows, s.columns),
          out("x gradient", element, s.rows, s.columns)};
}

/// y = f(x), gated y = f(gate) up. GELU in its tanh form.
Operands of(const op::Activation& a) {
  const Element element = element_of(a.dtype);
  const auto input = [&](std::string_view name) { return in(name, element, a.rows, a.width); };
  const auto output = [&](std::string_view name) { return out(name, element, a.rows, a.width); };
  if (a.gated && a.backward)
    return {input("gate"), input("up"), input("y gradient"), output("gate gradient"), output("up gradient")};
  if (a.gated) return {input("gate"), input("up"), output("y")};
  if (a.backward) return {input("x"), input("y gradient"), output("x gradient")};
  return {input("x"), output("y")};
}

/// In place, element i < dim/2 of each head with element i + dim/2: (x, y) becomes (x c - y s, y c + x s), backward
/// with -s; c and s of the token's position (token modulo embedding_positions) stand side by side in "rotation", at 2 i
/// and 2 i + 1. An odd dim's last element stays.
Operands of(const op::Rotary& r) {
  return {in("rotation", Element::fp32, std::min(r.tokens, embedding_positions), r.dim),
          in_out("x", element_of(r.dtype), r.tokens, r.heads * r.dim)};
}

/// y = x + branch (+ bias); with dropout the branch (and its bias) goes through dropout_keeps(element), kept elements
/// scaled by dropout_scale, and the mask is written. Backward: the branch's gradient, masked and scaled.
Operands of(const op::Residual& r) {
  const Element element = element_of(r.dtype);
  if (r.backward) {
    Operands all{in("y gradient", element, r.rows, r.width)};
    if (r.dropout) all.push_back(in("mask", Element::byte, r.rows, r.width, Fill::flag));
    all.push_back(out("branch gradient", element, r.rows, r.width));
    return all;
  }
  Operands all{in("x", element, r.rows, r.width), in("branch", element, r.rows, r.width)};
  if (r.bias) all.push_back(in("bias", element, 1, r.width));
  all.push_back(out("y", element, r.rows, r.width));
  if (r.dropout) all.push_back(out("mask", Element::byte, r.rows, r.width));
  return all;
}

/// y = table[token] (+ position table[i modulo embedding_positions]). Backward adds y's gradient into the tables'.
Operands of(const op::Embedding& e) {
  const Element element = element_of(e.dtype);
  Operands all{in("tokens", Element::int32, 1, e.tokens, Fill::index, embedding_rows)};
  if (e.backward) {
    all.push_back(in("y gradient", element, e.tokens, e.width));
    all.push_back(in_out("table gradient", element, embedding_rows, e.width));
    if (e.positions)
      all.push_back(in_out("position gradient", element, std::min(e.tokens, embedding_positions), e.width));
    return all;
  }
  all.push_back(in("table", element, embedding_rows, e.width));
  if (e.positions) all.push_back(in("position table", element, std::min(e.tokens, embedding_positions), e.width));
  all.push_back(out("y", element, e.tokens, e.width));
  return all;
}

/// loss = log_sum_exp(logits) - logits[target] of each row. Backward, of the losses' sum: softmax(logits) - onehot.
Operands of(const op::CrossEntropy& c) {
  const Element element = element_of(c.dtype);
  Operands all{in("logits", element, c.rows, c.vocab), in("targets", Element::int32, 1, c.rows, Fill::index, c.vocab)};
  if (c.backward) {
    all.push_back(in("log_sum_exp", Element::fp32, 1, c.rows, Fill::forward));
    all.push_back(out("logits gradient", element, c.rows, c.vocab));
  } else {
    all.push_back(out("loss", Element::fp32, 1, c.rows));
    all.push_back(out("log_sum_exp", Element::fp32, 1, c.rows));
  }
  return all;
}

/// One AdamW step. Weights narrower than fp32 have an fp32 master, which is updated and then rounded to them.
Operands of(const op::Optimizer& o) {
  const Element element = element_of(o.dtype);
  Operands all{in("gradient", element, 1, o.parameters)};
  if (element == Element::fp32) {
    all.push_back(in_out("weight", element, 1, o.parameters));
  } else {
    all.push_back(in_out("master", Element::fp32, 1, o.parameters));
  }
  all.push_back(in_out("first moment", Element::fp32, 1, o.parameters));
  all.push_back(in_out("second moment", Element::fp32, 1, o.parameters, Fill::positive));
  if (element != Element::fp32) all.push_back(out("weight", element, 1, o.parameters));
  return all;
}

/// The widest element that `bytes` an element of work can be made of.
Element streamed(double bytes) {
  if (bytes == 4) return Element::fp32;
  if (bytes == 1) return Element::fp8;
  return Element::bf16;
}

std::int64_t streamed_elements(const op::Pointwise& p, double bytes) {
  const double size = static_cast<double>(element_bytes(streamed(bytes)));
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(p.elements) * bytes / size));
}

/// With i inputs and o outputs: i >= o: out[e] = f(sum of x[e + j o] for every j with e + j o < i); else
/// out[e] = f(x[e modulo i]). f: 0.125 x for scale, 30 tanh(x / 30) for soft_cap, x for the others. Nothing read: 0.
Operands of(const op::Pointwise& p) {
  Operands all;
  const std::int64_t reads = streamed_elements(p, p.read_bytes);
  const std::int64_t writes = streamed_elements(p, p.write_bytes);
  if (reads > 0) all.push_back(in("x", streamed(p.read_bytes), 1, reads));
  if (writes > 0) all.push_back(out("y", streamed(p.write_bytes), 1, writes));
  return all;
}

Operands of(const op::Collective&) { return {}; }

}  // namespace

std::vector<Operand> operands(const op::Operator& op) {
  return std::visit([](const auto& one) { return of(one); }, op);
}

std::int64_t operand_bytes(const op::Operator& op) {
  std::int64_t total = 0;
  const std::vector<Operand> all = operands(op);
  for (const Operand& operand : all) total += operand.bytes();
  return total;
}

}  // namespace gemmetry::measure
