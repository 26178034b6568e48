#pragma once

#include <string_view>

#include "gemmetry/base/json.h"
#include "gemmetry/study/study.h"
#include "gemmetry/study/work.h"

namespace gemmetry::study {

/// Reads the key "operator" of a study: the kind, and rules for its fields. Error naming source, key, value and fix.
OperatorRules operator_rules_from_json(const JsonObject& object, const nlohmann::json& value);

/// Reads rules for fields of an operator of that kind.
Rules operator_fields_from_json(const JsonObject& object, const nlohmann::json& value, std::string_view kind);

/// The operator's rules with a series' own over them; an attention without keys has as many as queries.
Rules merged(const OperatorRules& rules, const Rules& over);

/// The fields that an operator of that kind needs and the rules do not state.
std::vector<std::string> missing_fields(std::string_view kind, const Rules& fields);

/// Whether FLOP are counted of operators of that kind.
bool counts_flop(std::string_view kind);

/// Makes one operator a point from merged rules. `dtype` is that of an operator which states none.
Maker operator_maker(std::string_view kind, const Rules& fields, op::Dtype dtype);

}  // namespace gemmetry::study
