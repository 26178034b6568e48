#include "gemmetry/cli/recorded_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "gemmetry/backends/open.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/cli/data_folder.h"
#include "gemmetry/cli/record_columns.h"

namespace gemmetry::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* part = "measured";

/// Every CSV file below the folder, in the order of their names.
std::vector<fs::path> csv_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure))
    if (at->path().extension() == ".csv" && at->is_regular_file(failure)) files.push_back(at->path());
  if (failure) throw Error(fmt::format("{}: cannot be read: {}", folder.string(), failure.message()));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> recorded_gpus() {
  std::vector<std::string> gpus;
  const fs::path folder = find_data(part);
  if (folder.empty()) return gpus;
  std::error_code failure;
  for (fs::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure))
    if (at->is_directory(failure) && !csv_files(at->path()).empty()) gpus.push_back(at->path().filename().string());
  std::sort(gpus.begin(), gpus.end());
  return gpus;
}

measure::Recordings load_recordings(const std::string& gpu) {
  const fs::path folder = find_data(part);
  if (folder.empty()) throw backends::NoDevice(fmt::format("no device recorded:{}: {}", gpu, missing_data(part)));
  const std::vector<std::string> known = recorded_gpus();
  if (std::find(known.begin(), known.end(), gpu) == known.end())
    throw Error(fmt::format("device 'recorded:{}': {} holds recordings of {}{}", gpu, folder.string(),
                            known.empty() ? "no GPU" : fmt::format("{}", fmt::join(known, ", ")),
                            did_you_mean(gpu, known)));
  std::vector<measure::Record> records;
  for (const fs::path& file : csv_files(folder / gpu)) {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) throw Error(file.string() + ": cannot be read");
    std::vector<measure::Record> more = read_records(stream, file.string());
    records.insert(records.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return {std::move(records), (folder / gpu).string()};
}

measure::Recordings load_recordings(const MeasuringOptions& options) {
  options.require_only_looked_up();
  return load_recordings(options.device().gpu());
}

}  // namespace gemmetry::cli
