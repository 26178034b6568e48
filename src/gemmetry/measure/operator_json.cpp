#include "gemmetry/measure/operator_json.h"

#include <string>
#include <type_traits>

#include "gemmetry/base/error.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"

namespace gemmetry::measure {
namespace {

template <class Value>
nlohmann::ordered_json value_of(Value value) {
  if constexpr (std::is_enum_v<Value>)
    return std::string(op::word(value));
  else
    return value;
}

template <class Op, class Field>
void read_field(const JsonObject& object, const Field& field, Op& op) {
  auto& member = op.*field.member;
  if (!field.required && !object.has(field.name)) return;
  const nlohmann::json& value = object.raw(field.name);
  if constexpr (std::is_same_v<std::remove_reference_t<decltype(member)>, bool>) {
    member = object.boolean(field.name);
  } else {
    if (value.is_structured() || value.is_boolean()) object.fail(field.name, "expected a number or a word");
    try {
      op::read(field.name, value.is_string() ? value.template get<std::string>() : value.dump(), field.required,
               member);
    } catch (const Error& problem) {
      object.fail(field.name, problem.what());
    }
  }
}

}  // namespace

nlohmann::ordered_json operator_to_json(const op::Operator& op) {
  nlohmann::ordered_json object{{"kind", op::kind(op)}};
  std::visit(
      [&]<class Op>(const Op& one) {
        op::for_each_field<Op>(
            [&](const auto& field) { object[std::string(field.name)] = value_of(one.*field.member); });
      },
      op);
  return object;
}

op::Operator operator_from_json(const JsonObject& object) {
  op::Operator op;
  try {
    op = op::operator_of_kind(object.string("kind"));
  } catch (const Error& problem) {
    if (!object.has("kind")) throw;
    object.fail("kind", problem.what());
  }
  std::visit(
      [&]<class Op>(Op& one) {
        std::apply([&](const auto&... field) { object.refuse_unknown({"kind", field.name...}); }, Op::fields());
        op::for_each_field<Op>([&](const auto& field) { read_field(object, field, one); });
      },
      op);
  return op;
}

}  // namespace gemmetry::measure
