#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "gemmetry/measure/record.h"

namespace gemmetry::cli {

/// Files of records as an option.
class RecordFiles {
 public:
  CLI::Option* add_to(CLI::App& app);

  const std::vector<std::string>& files() const { return files_; }

  /// The records of all of them; a folder stands for every CSV file below it. Error naming file, line, column, value
  /// and fix.
  std::vector<measure::Record> read() const;

 private:
  std::vector<std::string> files_;
};

}  // namespace gemmetry::cli
