#include "gemmetry/cli/database_option.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "gemmetry/base/error.h"

namespace gemmetry::cli {

CLI::Option* DatabaseOption::add_to(CLI::App& app) {
  return app.add_option("--db", path_, "database of records; usually gemmetry/records.db in the XDG data directory")
      ->type_name("FILE");
}

const std::string& DatabaseOption::writable_path() const {
  if (path_ != usual_path()) return path_;
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure)
    throw Error(fmt::format("{}: the folder cannot be made: {}; name a database with --db", folder.string(),
                            failure.message()));
  return path_;
}

std::string DatabaseOption::usual_path() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::filesystem::path(value ? value : "");
  };
  // The XDG specification has a path that is not absolute ignored.
  std::filesystem::path folder = variable("XDG_DATA_HOME");
  if (!folder.is_absolute()) folder = variable("HOME") / ".local" / "share";
  return (folder / "gemmetry" / "records.db").string();
}

}  // namespace gemmetry::cli
