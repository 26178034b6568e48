#pragma once

#include <map>
#include <string>

#include "gemmetry/base/json.h"

namespace gemmetry::gpu {

/// Standard deviations of the logarithm of a predicted time: what all operators of a class share, and what is each
/// one's own.
struct LogError {
  double shared = 0;
  double independent = 0;
};

/// By name of the operator's error class.
using LogErrors = std::map<std::string, LogError>;

enum class Classes { all, some };

/// Reads the classes of an object, which may hold a `source` beside them. Error naming key, value and fix; unknown
/// classes are refused, missing ones too when all are asked for.
LogErrors log_errors_from_json(const JsonObject& object, Classes classes);

}  // namespace gemmetry::gpu
