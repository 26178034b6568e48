#pragma once

#include <nlohmann/json.hpp>

#include "gemmetry/base/json.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::measure {

/// {"kind": "gemm", "batch": 1, "m": 4096, ...}: an operator with all its fields.
nlohmann::ordered_json operator_to_json(const op::Operator& op);

/// Fields that may be left out take their defaults. Error naming source, key and value when a field is missing, unknown
/// or not what its type takes.
op::Operator operator_from_json(const JsonObject& object);

}  // namespace gemmetry::measure
