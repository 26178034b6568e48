#pragma once

#include <string_view>

namespace gemmetry {

/// A data file that travels inside the binary: its name without folder (and without ".json"), and its text.
struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

}  // namespace gemmetry
