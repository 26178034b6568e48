#include "gemmetry/cli/operator_columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "gemmetry/cli/field_text.h"
#include "gemmetry/report/number.h"

namespace gemmetry::cli {
namespace {

using op::for_each_field;
using op::for_each_type;
using report::Column;
using report::Value;

/// The operator's field of that name, or nothing.
Value field(const op::Operator& op, std::string_view name) {
  return std::visit(
      [&]<class Op>(const Op& one) {
        Value value;
        for_each_field<Op>([&](const auto& entry) {
          if (entry.name == name) value = cell(one.*entry.member);
        });
        return value;
      },
      op);
}

std::vector<Column<op::Operator>> make_field_columns() {
  std::vector<Column<op::Operator>> columns;
  for_each_type([&]<class Op>(const Op&) {
    for_each_field<Op>([&](const auto& entry) {
      const std::string name(entry.name);
      const auto known = [&](const Column<op::Operator>& column) { return column.info.key == name; };
      if (std::none_of(columns.begin(), columns.end(), known))
        columns.push_back({{.key = name}, [name](const op::Operator& op) { return field(op, name); }});
    });
  });
  return columns;
}

std::string product(std::int64_t m, std::int64_t n, std::int64_t k) { return fmt::format("{} x {} x {}", m, n, k); }

std::string dims_of(const op::Gemm& gemm) {
  const std::string one = product(gemm.m, gemm.n, gemm.k);
  return gemm.batch == 1 ? one : fmt::format("{} x ({})", gemm.batch, one);
}

std::string dims_of(const op::GroupedGemm& gemm) {
  return fmt::format("{} experts, {}", gemm.experts, product(gemm.rows, gemm.n, gemm.k));
}

std::string dims_of(const op::Attention& attention) {
  const std::string heads = attention.kv_heads == attention.heads
                                ? fmt::format("{}", attention.heads)
                                : fmt::format("{}/{}", attention.heads, attention.kv_heads);
  const std::string keys = attention.window > 0 ? fmt::format("{} (window {})", attention.keys, attention.window)
                                                : fmt::format("{}", attention.keys);
  return fmt::format("b {}, q {}, kv {}, heads {}, dim {}", attention.batch, attention.queries, keys, heads,
                     attention.head_dim);
}

std::string dims_of(const op::Collective& collective) {
  return fmt::format("{} of {} over {} ranks", name(collective.collective),
                     report::shown(collective.size_bytes, report::Unit::bytes), collective.ranks);
}

std::string dims_of(const op::Pointwise& pointwise) {
  return fmt::format("{}, elements {}", name(pointwise.function), pointwise.elements);
}

/// Other operators: their required fields by name.
template <class Op>
std::string dims_of(const Op& op) {
  std::string text;
  for_each_field<Op>([&](const auto& entry) {
    if (!entry.required) return;
    const std::string value = report::shown(cell(op.*entry.member), report::Unit::none);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.name, value);
  });
  return text;
}

}  // namespace

const std::vector<Column<op::Operator>>& field_columns() {
  static const std::vector<Column<op::Operator>> columns = make_field_columns();
  return columns;
}

std::string dims(const op::Operator& op) {
  return std::visit([](const auto& one) { return dims_of(one); }, op);
}

}  // namespace gemmetry::cli
