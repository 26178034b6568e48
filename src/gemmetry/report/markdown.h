#pragma once

#include <string>

#include "gemmetry/report/document.h"

namespace gemmetry::report {

/// The table with the headings and scaled units of the screen.
std::string to_markdown(const Table& table);

/// The sections under headings; facts as a table of two columns, notes as a list, pictures as code.
std::string to_markdown(const Document& document);

}  // namespace gemmetry::report
