#include "gemmetry/op/kinds.h"

#include "gemmetry/base/text_value.h"

namespace gemmetry::op {

std::vector<std::string> operator_kinds() {
  std::vector<std::string> kinds;
  for_each_type([&]<class Op>(const Op&) { kinds.emplace_back(Op::kind); });
  return kinds;
}

Operator operator_of_kind(std::string_view kind) {
  Operator found;
  bool known = false;
  for_each_type([&]<class Op>(const Op& op) {
    if (Op::kind != kind) return;
    found = op;
    known = true;
  });
  if (!known) refuse_word("operator", kind, operator_kinds());
  return found;
}

void complete(Operator& op, const std::function<bool(std::string_view)>& given) {
  auto* attention = std::get_if<Attention>(&op);
  if (!attention) return;
  if (!given("kv_heads")) attention->kv_heads = attention->heads;
  if (!given("value_dim")) attention->value_dim = attention->head_dim;
}

}  // namespace gemmetry::op
