#pragma once

#include <istream>
#include <string>
#include <vector>

#include "gemmetry/measure/record.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {

/// Every field of a record in JSON and CSV, the raw samples only when asked for; on screen what fits beside each other.
std::vector<report::Column<measure::Record>> record_columns(bool samples);

/// The records of a CSV with such columns; those that are left out are unset. Error naming file, line, column, value
/// and fix.
std::vector<measure::Record> read_records(std::istream& stream, const std::string& source);

}  // namespace gemmetry::cli
