#pragma once

#include <string>

#include "gemmetry/report/document.h"

namespace gemmetry::report {

/// A heading line of keys and a line a row, as RFC 4180 has it with plain line ends. Columns that apply to no row are
/// left out.
std::string to_csv(const Table& table);

/// The table that the document names for CSV.
std::string to_csv(const Document& document);

}  // namespace gemmetry::report
