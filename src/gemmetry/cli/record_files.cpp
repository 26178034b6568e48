#include "gemmetry/cli/record_files.h"

#include <algorithm>
#include <filesystem>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/record_reader.h"

namespace gemmetry::cli {
namespace {

namespace fs = std::filesystem;

/// In the order of their names.
std::vector<std::string> csv_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure))
    if (at->path().extension() == ".csv" && at->is_regular_file(failure)) files.push_back(at->path().string());
  if (failure) throw Error(folder + ": cannot be read: " + failure.message());
  if (files.empty()) throw Error(folder + ": there is no CSV file in it");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

CLI::Option* RecordFiles::add_to(CLI::App& app) {
  return app
      .add_option("--records", files_,
                  "CSV files as gemmetry records export writes them, folders of such, or - for standard input")
      ->type_name("FILE");
}

std::vector<measure::Record> RecordFiles::read() const {
  std::vector<measure::Record> records;
  const auto take = [&](std::istream& stream, const std::string& name) {
    RecordReader reader(stream, name);
    for (measure::FiledRecord filed; reader.next(filed);) records.push_back(std::move(filed.record));
  };
  for (const std::string& path : files_) {
    if (!fs::is_directory(path)) {
      with_record_file(path, take);
      continue;
    }
    for (const std::string& file : csv_files(path)) with_record_file(file, take);
  }
  return records;
}

}  // namespace gemmetry::cli
