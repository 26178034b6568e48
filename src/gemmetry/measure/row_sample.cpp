#include "gemmetry/measure/row_sample.h"

#include <type_traits>
#include <utility>
#include <variant>

#include "gemmetry/measure/fill_value.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {
namespace {

template <class Op>
constexpr bool has_rows = requires(Op op) {
  op.rows;
};

bool stands_alone(const op::Norm& n) { return !n.backward; }                 // weights' gradients gather all rows
bool stands_alone(const op::Softmax& s) { return !s.masked || s.backward; }  // a mask depends on the row's place
bool stands_alone(const op::Activation&) { return true; }
bool stands_alone(const op::Residual& r) { return !r.dropout || r.backward; }  // as does what dropout keeps
bool stands_alone(const op::CrossEntropy&) { return true; }
bool stands_alone(const op::Optimizer&) { return true; }
template <class Op>
bool stands_alone(const Op&) {
  return false;
}

/// Elements that a row has in each operand: what one more row adds; 0 in those that all rows share.
std::vector<std::int64_t> elements_of_row(const op::Operator& op, const std::vector<Operand>& all) {
  const std::vector<Operand> more = operands(*with_rows(op, rows_of(op) + 1));
  std::vector<std::int64_t> widths;
  for (std::size_t i = 0; i < all.size(); ++i) widths.push_back(more[i].elements() - all[i].elements());
  return widths;
}

/// Calls visit(index) with each element of the rows.
template <class Visit>
void for_each_element(std::span<const std::int64_t> rows, std::int64_t width, Visit visit) {
  for (const std::int64_t row : rows)
    for (std::int64_t column = 0; column < width; ++column) visit(row * width + column);
}

}  // namespace

std::optional<op::Operator> with_rows(const op::Operator& op, std::int64_t rows) {
  return std::visit(
      [&]<class Op>(Op one) -> std::optional<op::Operator> {
        if (!stands_alone(one)) return std::nullopt;
        if constexpr (std::is_same_v<Op, op::Optimizer>)
          one.parameters = rows;
        else if constexpr (has_rows<Op>)
          one.rows = rows;
        return one;
      },
      op);
}

std::int64_t rows_of(const op::Operator& op) {
  return std::visit(
      []<class Op>(const Op& one) -> std::int64_t {
        if constexpr (std::is_same_v<Op, op::Optimizer>)
          return one.parameters;
        else if constexpr (has_rows<Op>)
          return one.rows;
        else
          return 0;
      },
      op);
}

std::vector<Sample> sample_rows(const op::Operator& op, std::span<const std::int64_t> rows, std::uint64_t seed) {
  const std::vector<Operand> all = operands(op);
  const std::vector<std::int64_t> widths = elements_of_row(op, all);
  Arrays inputs(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].use == Use::out || all[i].fill == Fill::forward) continue;
    if (widths[i] == 0) inputs[i] = fill_values(all[i], seed + i);
    for_each_element(rows, widths[i],
                     [&](std::int64_t index) { inputs[i].push_back(fill_value(all[i], seed + i, index)); });
  }
  std::vector<Expected> expected = expect(*with_rows(op, static_cast<std::int64_t>(rows.size())), inputs);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].use == Use::in) continue;
    Sample sample{.operand = i, .expected = std::move(expected[i])};
    for_each_element(rows, widths[i], [&](std::int64_t index) { sample.elements.push_back(index); });
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace gemmetry::measure
