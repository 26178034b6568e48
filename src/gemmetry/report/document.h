#pragma once

#include <string>
#include <variant>
#include <vector>

#include "gemmetry/report/table.h"

namespace gemmetry::report {

/// One row, shown top to bottom: an object in JSON.
struct Facts {
  Table table;
};

/// Many rows: a list of objects in JSON.
struct List {
  Table table;
};

/// Sentences: a list of strings in JSON.
struct Notes {
  std::vector<std::string> lines;
};

/// A drawing in characters: on screen and in Markdown only.
struct Picture {
  std::string text;
};

struct Section {
  std::string key;    ///< in JSON; dots nest; empty facts go to the top level
  std::string title;  ///< on screen; may be empty
  std::variant<Facts, List, Notes, Picture> content;
  bool on_screen = true;  ///< false: in JSON and CSV only
};

/// All that a command answers, to be shown on a terminal or as JSON, CSV or Markdown.
struct Document {
  std::vector<Section> sections;
  std::string csv;  ///< key of the section that CSV holds; empty: the first list, or else the first facts
};

/// Version of the JSON that documents are written as; docs/json.md describes it.
inline constexpr int schema_version = 1;

}  // namespace gemmetry::report
