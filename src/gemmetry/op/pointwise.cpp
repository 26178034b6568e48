#include "gemmetry/op/pointwise.h"

#include <array>

#include "gemmetry/op/names.h"

namespace gemmetry::op {
namespace {

constexpr std::array<std::pair<Function, std::string_view>, 10> functions{{{Function::copy, "copy"},
                                                                           {Function::scale, "scale"},
                                                                           {Function::mask, "mask"},
                                                                           {Function::cast, "cast"},
                                                                           {Function::add, "add"},
                                                                           {Function::append, "append"},
                                                                           {Function::permute, "permute"},
                                                                           {Function::combine, "combine"},
                                                                           {Function::top_k, "top_k"},
                                                                           {Function::soft_cap, "soft_cap"}}};

double product(std::int64_t a, std::int64_t b) { return static_cast<double>(a) * static_cast<double>(b); }

}  // namespace

double bytes(const Norm& n) {
  const double x = product(n.rows, n.width) * shape::bytes_per_element(n.dtype);
  // Forward: x in, y out. Backward: x and dy in, dx out; the weights' gradients are small beside them.
  return n.backward ? 3 * x : 2 * x;
}

double bytes(const Softmax& s) {
  const double x = product(s.rows, s.columns) * shape::bytes_per_element(s.dtype);
  return s.backward ? 3 * x : 2 * x;  // backward: p and dp in, ds out
}

double bytes(const Activation& a) {
  const double y = product(a.rows, a.width) * shape::bytes_per_element(a.dtype);
  const double inputs = a.gated ? 2 : 1;
  return a.backward ? (2 * inputs + 1) * y : (inputs + 1) * y;  // backward: inputs and dy in, as many gradients out
}

double bytes(const Rotary& r) {
  return 2 * product(r.tokens, r.heads) * static_cast<double>(r.dim) * shape::bytes_per_element(r.dtype);
}

double bytes(const Residual& r) {
  const double x = product(r.rows, r.width) * shape::bytes_per_element(r.dtype);
  const double mask = r.dropout ? product(r.rows, r.width) : 0;
  return r.backward ? 2 * x + mask : 3 * x + mask;
}

double bytes(const Embedding& e) {
  const double x = product(e.tokens, e.width) * shape::bytes_per_element(e.dtype);
  const double ids = static_cast<double>(e.tokens) * 8;
  const double tables = e.positions ? 2 : 1;
  return e.backward ? ids + (1 + 2 * tables) * x : ids + (tables + 1) * x;  // backward: dy in, rows read and written
}

double bytes(const CrossEntropy& c) {
  const double logits = product(c.rows, c.vocab) * shape::bytes_per_element(c.dtype);
  return c.backward ? 2 * logits : logits + static_cast<double>(c.rows) * 12;
}

double bytes(const Optimizer& o) {
  const double weight = shape::bytes_per_element(o.dtype);
  const double masters = weight < 4 ? 8 : 0;  // fp32 copy read and written beside a narrower weight
  const double moments = 16;
  const double own = weight < 4 ? weight : 2 * weight;  // the weight is only written where a master exists
  return static_cast<double>(o.parameters) * (weight + masters + moments + own);
}

double bytes(const Pointwise& p) { return static_cast<double>(p.elements) * (p.read_bytes + p.write_bytes); }

std::string_view name(Function function) { return name_in<Function>(functions, function); }
Function function_from_name(std::string_view word) { return value_in<Function>(functions, "function", word); }

}  // namespace gemmetry::op
