#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/base/json.h"
#include "gemmetry/study/study.h"
#include "gemmetry/study/work.h"

namespace gemmetry::study {

/// Reads the key "model" of a study: preset, sizes, workload and part. Error naming source, key, value and fix.
ModelRules model_rules_from_json(const JsonObject& object);

/// Reads rules for sizes and the workload, as a series states them together.
Rules model_fields_from_json(const JsonObject& object, const nlohmann::json& value);

/// The rules with a series' own over them.
ModelRules merged(const ModelRules& rules, const Series& series);

/// The key of a part of a model, of modules with " + " between them. Error naming the choices.
std::string part_from_json(const JsonObject& object, std::string_view key);

/// Whether its phase is decode.
bool decodes(const ModelRules& rules);

/// What is wrong with merged rules whatever their numbers; empty if nothing is.
std::string contradiction(const ModelRules& rules);

/// Makes the part's operators of a point from merged rules, equal ones once with their count. `dtype` is that of a
/// workload which states none.
Maker model_maker(const ModelRules& rules, op::Dtype dtype);

}  // namespace gemmetry::study
