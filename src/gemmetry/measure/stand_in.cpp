#include "gemmetry/measure/stand_in.h"

#include <algorithm>
#include <cstdint>

#include "gemmetry/measure/sample.h"

namespace gemmetry::measure {
namespace {

using Operators = std::vector<op::Operator>;

constexpr std::int64_t most_elements = std::int64_t{1} << 21;
constexpr double most_work = 2e7;  ///< multiplications: a tenth of a second

/// At most about `most`, with the remainder that `size` leaves to `period`.
std::int64_t shorter(std::int64_t size, std::int64_t most, std::int64_t period) {
  if (size <= most) return size;
  return std::max<std::int64_t>(most / period - 1, 0) * period + size % period + (size % period == 0 ? period : 0);
}

std::int64_t fewer_rows(std::int64_t rows, std::int64_t columns) {
  return shorter(rows, std::max<std::int64_t>(most_elements / std::max<std::int64_t>(columns, 1), 1), 8);
}

template <class Op>
Operators with_fewer_rows(Op op, std::int64_t columns) {
  op.rows = fewer_rows(op.rows, columns);
  return {op};
}

Operators of(const op::Norm& n) { return with_fewer_rows(n, n.width); }
Operators of(const op::Residual& r) { return with_fewer_rows(r, r.width); }

Operators of(op::Softmax s) {
  if (s.columns <= 0 || s.rows <= most_elements / s.columns) return {s};
  const bool square = s.masked && s.rows % s.columns == 0;
  if (!square) {
    s.rows = fewer_rows(s.rows, s.columns);
    if (s.masked && s.rows % s.columns == 0) ++s.rows;
    return {s};
  }
  if (s.columns <= most_elements / s.columns) {
    s.rows = most_elements / s.columns / s.columns * s.columns;
    return {s};
  }
  op::Softmax smaller = s;
  smaller.columns = shorter(s.columns, 1024, 128);
  smaller.rows = smaller.columns;
  s.rows = std::min(fewer_rows(s.rows, s.columns), s.columns - 1);
  return {s, smaller};
}

double work(const op::Attention& a) {
  return static_cast<double>(a.batch) * static_cast<double>(a.heads) * static_cast<double>(a.head_dim + a.value_dim) *
         op::unmasked_pairs(a) * (a.backward ? 3 : 1);
}

Operators of(const op::Attention& whole) {
  const std::int64_t cached = whole.keys - whole.queries;
  const std::int64_t group = std::max<std::int64_t>(whole.heads / std::max<std::int64_t>(whole.kv_heads, 1), 1);
  op::Attention a = whole;
  const auto cut_heads = [&](std::int64_t kv_heads, std::int64_t most_group) {
    a.kv_heads = std::min(a.kv_heads, kv_heads);
    a.heads = a.kv_heads * std::min(group, most_group);
  };
  const auto cut_sequences = [&](std::int64_t queries, std::int64_t cache) {
    a.queries = shorter(whole.queries, queries, 128);
    a.keys = a.queries + (cached < 0 ? -shorter(-cached, cache, 128) : shorter(cached, cache, 128));
    // A window that cuts something goes on doing so.
    if (whole.window > 0 && whole.window < whole.keys)
      a.window = std::min(whole.window, std::max<std::int64_t>(a.keys / 2, 1));
  };
  if (work(a) > most_work) a.batch = std::min<std::int64_t>(a.batch, 2);
  if (work(a) > most_work) cut_heads(2, group);
  for (std::int64_t most = 4096; most >= 256 && work(a) > most_work; most /= 2)
    cut_sequences(std::min<std::int64_t>(most, 512), most);
  if (work(a) > most_work) a.batch = 1;
  if (work(a) > most_work) cut_heads(1, group);
  if (work(a) > most_work) cut_heads(1, 8);
  if (work(a) > most_work) cut_sequences(128, 128);
  return {a};
}

Operators of(op::Rotary r) {
  // More tokens than there are positions: they begin again.
  if (r.tokens <= most_elements / std::max<std::int64_t>(r.heads * r.dim, 1)) return {r};
  r.tokens = shorter(r.tokens, 2048 + 128, 64);
  r.heads = std::clamp<std::int64_t>(most_elements / std::max<std::int64_t>(r.tokens * r.dim, 1), 1, r.heads);
  return {r};
}

Operators of(op::Pointwise p) {
  p.elements = shorter(p.elements, most_elements, 1024);
  return {p};
}

/// Sampled, or run by no single device.
template <class Op>
Operators of(const Op& op) {
  return {op};
}

}  // namespace

std::vector<op::Operator> stand_ins(const op::Operator& op) {
  if (can_sample(op)) return {op};
  return std::visit([](const auto& one) { return of(one); }, op);
}

}  // namespace gemmetry::measure
