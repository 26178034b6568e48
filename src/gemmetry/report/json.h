#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gemmetry/report/document.h"

namespace gemmetry::report {

/// One object of a row: SI numbers, fractions, null where unknown; keys that do not apply are left out.
nlohmann::ordered_json to_json(const Table& table, std::size_t row);

/// The document's sections under their keys, after "schema_version".
nlohmann::ordered_json to_json(const Document& document);

/// The same as text, indented, with a line end. Bytes that are not UTF-8 are replaced.
std::string json_text(const Document& document);

}  // namespace gemmetry::report
