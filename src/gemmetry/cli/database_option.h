#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace gemmetry::cli {

/// In which file records are.
class DatabaseOption {
 public:
  CLI::Option* add_to(CLI::App& app);

  /// The file to read.
  const std::string& path() const { return path_; }

  /// The same; the folder of the usual file is made where it is missing, for a file that will be written. Error when it
  /// cannot be.
  const std::string& writable_path() const;

 private:
  std::string path_ = usual_path();

  /// $XDG_DATA_HOME/gemmetry/records.db, or that below ~/.local/share.
  static std::string usual_path();
};

}  // namespace gemmetry::cli
