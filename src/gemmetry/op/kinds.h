#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "gemmetry/op/operator.h"

namespace gemmetry::op {

/// Calls visit(op) with a default operator of each type.
template <class Visit>
void for_each_type(Visit visit) {
  [&]<std::size_t... index>(std::index_sequence<index...>) {
    (visit(std::variant_alternative_t<index, Operator>{}), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Operator>>{});
}

/// Calls visit(field) with each entry of a type's field table.
template <class Op, class Visit>
void for_each_field(Visit visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, Op::fields());
}

/// "gemm", "grouped_gemm", ...: the kinds there are.
std::vector<std::string> operator_kinds();

/// The operator of that kind with its defaults. Error naming the nearest otherwise.
Operator operator_of_kind(std::string_view kind);

/// Sets fields that were not given and whose default follows another field: an attention's KV heads and value
/// dimension.
void complete(Operator& op, const std::function<bool(std::string_view field)>& given);

}  // namespace gemmetry::op
