#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gemmetry::shape {

/// Parses one YAML document into JSON values: plain scalars by the rules of YAML 1.1 (yes and on are true, 1_000 is a
/// number), quoted ones as strings, aliases as copies. Throws Error naming `source` and the line on malformed,
/// truncated, too long (over 1 MiB), too deeply nested (over 50 levels) or too large (over 100000 values, aliases
/// counted where they are used) text, on a key that is given twice or is no scalar, and on more than one document.
nlohmann::json parse_yaml(std::string_view text, const std::string& source);

}  // namespace gemmetry::shape
