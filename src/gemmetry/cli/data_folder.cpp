#include "gemmetry/cli/data_folder.h"

#include <fmt/format.h>

#include <cstdlib>
#include <vector>

#include "gemmetry/cli/device_options.h"

namespace gemmetry::cli {
namespace {

constexpr const char* variable = "GEMMETRY_DATA";
constexpr int levels = 3;  ///< the program's folder and those above it; build/release/gemmetry needs all three

std::vector<std::filesystem::path> places() {
  if (const char* stated = std::getenv(variable); stated && stated[0]) return {stated};
  std::filesystem::path folder = program_folder();
  std::vector<std::filesystem::path> places{folder.parent_path() / "share" / "gemmetry"};
  for (int level = 0; level < levels; ++level, folder = folder.parent_path()) places.push_back(folder / "data");
  return places;
}

}  // namespace

std::filesystem::path find_data(const std::string& part) {
  std::error_code ignored;
  for (const std::filesystem::path& place : places())
    if (std::filesystem::is_directory(place / part, ignored)) return place / part;
  return {};
}

std::string missing_data(const std::string& part) {
  std::string list;
  for (const std::filesystem::path& place : places()) list += (list.empty() ? "" : ", ") + place.string();
  return fmt::format(
      "no folder '{}' in {}; name in {} the folder that has it, the sources' data or an installed "
      "share/gemmetry",
      part, list, variable);
}

}  // namespace gemmetry::cli
