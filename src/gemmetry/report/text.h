#pragma once

#include <string>

#include "gemmetry/report/document.h"

namespace gemmetry::report {

/// The terminal that text is written for.
struct TextStyle {
  bool colour = false;
  int width = 0;  ///< in characters; 0: not limited
};

/// Aligned columns under their headings, numbers to the right. Columns without heading or content are left out.
std::string to_text(const Table& table, const TextStyle& style);

/// The sections one under the other.
std::string to_text(const Document& document, const TextStyle& style);

/// Characters a text takes on a terminal: code points of UTF-8.
std::size_t display_width(const std::string& text);

/// The text cut at spaces into lines of at most `width` characters where its words allow.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace gemmetry::report
