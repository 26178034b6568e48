#pragma once

#include <string>

#include "gemmetry/report/text.h"

namespace gemmetry::cli {

/// Where the program speaks to its user. The only code that looks at terminals and the environment.
class Console {
 public:
  Console();

  /// Colours and width of standard output: none unless it is a terminal. NO_COLOR and COLUMNS are respected.
  const report::TextStyle& style() const { return style_; }

  /// Whether progress may be shown on standard error.
  bool shows_progress() const { return progress_; }

  /// Writes to standard output. Error when that fails; quietly ends the program when the reader has gone.
  void write(const std::string& text) const;

  /// Replaces the progress line on standard error; an empty text removes it.
  void progress(const std::string& text) const;

  /// "gemmetry: TEXT" on standard error.
  void complain(const std::string& text) const;

 private:
  report::TextStyle style_;
  bool progress_ = false;
};

}  // namespace gemmetry::cli
