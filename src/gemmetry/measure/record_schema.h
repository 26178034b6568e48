#pragma once

#include <string>

#include "gemmetry/measure/sqlite.h"

namespace gemmetry::measure {

/// Brings the tables of a file up to `version`. Error when they are of a newer version, or not gemmetry's.
void migrate(Database& database, std::int64_t version);

/// The column of a field with that key, quoted: "algorithm_tile_m" for algorithm.tile_m.
std::string column_of(const std::string& key);

}  // namespace gemmetry::measure
