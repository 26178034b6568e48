#pragma once

#include <istream>
#include <string>
#include <vector>

#include "gemmetry/measure/record.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {

/// Every field of a record in JSON and CSV, the raw samples only when asked for; on screen what fits beside each other.
std::vector<report::Column<measure::Record>> record_columns(bool samples);

/// For CSV that is kept: without samples and command, real numbers that were measured to six digits, and at the end
/// whether the record is held out.
std::vector<report::Column<measure::Record>> compact_record_columns();

/// The records of a CSV with such columns; those that are left out are unset. Error naming file, line, column, value
/// and fix.
std::vector<measure::Record> read_records(std::istream& stream, const std::string& source);

}  // namespace gemmetry::cli
