#include "gemmetry/study/operator_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <type_traits>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/op/limits.h"
#include "gemmetry/study/reading.h"

namespace gemmetry::study {
namespace {

/// Sets a field to a whole number.
template <class Field, class Op>
void set_number(const Field& field, std::int64_t value, Op& op) {
  auto& target = op.*field.member;
  using Value = std::remove_cvref_t<decltype(target)>;
  if constexpr (std::is_same_v<Value, std::int64_t>) {
    if (value >= 1)
      target = value;
    else
      op::read(field.name, fmt::format("{}", value), field.required, target);
  } else if constexpr (std::is_same_v<Value, double>) {
    op::read(field.name, fmt::format("{}", value), field.required, target);
  }
}

/// The rule that a file states for a field. A word is tried here, and so is a formula without names.
template <class Op, class Field>
Rule rule_from_json(const JsonObject& object, const std::string& key, const Field& field) {
  Op scratch;
  using Value = std::remove_cvref_t<decltype(scratch.*field.member)>;
  if constexpr (std::is_same_v<Value, double>) {
    std::string text = plain_text(object, key);
    if (finite_number(text)) {
      reading(object, key, [&] { op::read(field.name, text, field.required, scratch.*field.member); });
      return {std::move(text), std::nullopt};
    }
  }
  if constexpr (std::is_same_v<Value, double> || std::is_same_v<Value, std::int64_t>) {
    Rule rule{"", formula(object, key)};
    if (rule.formula->names().empty()) {
      const std::int64_t value = rule.formula->value({});
      reading(object, key, [&] { set_number(field, value, scratch); });
    }
    return rule;
  } else {
    std::string text = plain_text(object, key);
    reading(object, key, [&] { op::read(field.name, text, field.required, scratch.*field.member); });
    return {std::move(text), std::nullopt};
  }
}

Rule rule_of_field(const JsonObject& object, const std::string& key, std::string_view kind) {
  return std::visit(
      [&]<class Op>(const Op&) {
        std::optional<Rule> rule;
        std::vector<std::string> fields;
        op::for_each_field<Op>([&](const auto& field) {
          fields.emplace_back(field.name);
          if (field.name == key) rule = rule_from_json<Op>(object, key, field);
        });
        if (!rule) object.fail(key, fmt::format("unknown field of {}{}", kind, did_you_mean(key, fields)));
        return *rule;
      },
      op::operator_of_kind(kind));
}

/// A field that each point sets anew.
template <class Op>
struct Setter {
  Expression formula;
  void (*set)(std::int64_t value, Op& op);
};

template <class Op, std::size_t... index>
void append_setters(const Rules& rules, Op& op, std::vector<Setter<Op>>& setters, std::index_sequence<index...>) {
  const auto one = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
    const auto field = std::get<i>(Op::fields());
    const auto found = rules.find(field.name);
    if (found == rules.end()) return;
    if (found->second.formula)
      setters.push_back({*found->second.formula,
                         [](std::int64_t value, Op& target) { set_number(std::get<i>(Op::fields()), value, target); }});
    else
      op::read(field.name, found->second.word, field.required, op.*field.member);
  };
  (one(std::integral_constant<std::size_t, index>{}), ...);
}

template <class Op>
Maker maker(const Rules& fields, Op op, op::Dtype dtype) {
  if constexpr (requires { op.dtype; }) op.dtype = dtype;
  std::vector<Setter<Op>> setters;
  constexpr std::size_t count = std::tuple_size_v<decltype(Op::fields())>;
  append_setters(fields, op, setters, std::make_index_sequence<count>{});
  const auto given = [fields](std::string_view field) { return fields.find(field) != fields.end(); };
  return [op, setters, given](const Variables& variables) {
    Op one = op;
    for (const Setter<Op>& setter : setters) setter.set(setter.formula.value(variables), one);
    op::Operator made = one;
    op::complete(made, given);
    op::require_priceable(made);
    return Work{{{made, 1}}, 0};
  };
}

}  // namespace

OperatorRules operator_rules_from_json(const JsonObject& object, const nlohmann::json& value) {
  OperatorRules rules;
  rules.kind = object.string("kind");
  if (rules.kind == "bmm") rules.kind = op::Gemm::kind;
  const std::vector<std::string> kinds = op::operator_kinds();
  if (std::find(kinds.begin(), kinds.end(), rules.kind) == kinds.end())
    refuse_choice(object, "kind", rules.kind, kinds);
  nlohmann::json fields = value;
  fields.erase("kind");
  for (const std::string& key : keys(fields)) rules.fields.emplace(key, rule_of_field(object, key, rules.kind));
  return rules;
}

Rules operator_fields_from_json(const JsonObject& object, const nlohmann::json& value, std::string_view kind) {
  Rules rules;
  for (const std::string& key : keys(value)) rules.emplace(key, rule_of_field(object, key, kind));
  return rules;
}

Rules merged(const OperatorRules& rules, const Rules& over) {
  Rules all = over;
  all.insert(rules.fields.begin(), rules.fields.end());
  const auto queries = all.find("queries");
  if (rules.kind == op::Attention::kind && queries != all.end()) all.emplace("keys", queries->second);
  return all;
}

std::vector<std::string> missing_fields(std::string_view kind, const Rules& fields) {
  std::vector<std::string> missing;
  std::visit(
      [&]<class Op>(const Op&) {
        op::for_each_field<Op>([&](const auto& field) {
          if (field.required && fields.find(field.name) == fields.end()) missing.emplace_back(field.name);
        });
      },
      op::operator_of_kind(kind));
  return missing;
}

bool counts_flop(std::string_view kind) {
  return kind == op::Gemm::kind || kind == op::GroupedGemm::kind || kind == op::Attention::kind;
}

Maker operator_maker(std::string_view kind, const Rules& fields, op::Dtype dtype) {
  return std::visit([&](const auto& op) { return maker(fields, op, dtype); }, op::operator_of_kind(kind));
}

}  // namespace gemmetry::study
