#include "gemmetry/cli/tuning.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/base/version.h"
#include "gemmetry/cli/operator_columns.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/measure/sweep.h"
#include "gemmetry/measure/tuner.h"

namespace gemmetry::cli {
namespace {

/// No library has more.
constexpr std::int64_t most_candidates = 10000;

/// While it lives, no other process has a lock on that file's folder; a file system without locks is as it is.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& file)
      : folder_(open(std::filesystem::absolute(file).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_ >= 0) flock(folder_, LOCK_EX);
  }
  ~FolderLock() {
    if (folder_ >= 0) close(folder_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_;
};

/// A tuning table on disk, which other processes may fill too. Every choice is on disk before the next is made.
class TableFile {
 public:
  explicit TableFile(std::string path) : path_(std::move(path)) { read_changes(); }

  const measure::TuningTable& table() const { return table_; }

  /// Puts it beside what other processes have put there meanwhile. Error as TuningTable has it.
  void put(const measure::TunedAlgorithm& tuned) {
    const FolderLock lock(path_);
    read_changes();
    table_.put(tuned);
    table_.save(path_);
    version_ = version();
  }

 private:
  /// When the file was written and how long it is: other than before when somebody else has written it.
  using Version = std::pair<std::filesystem::file_time_type, std::uintmax_t>;

  Version version() const { return {std::filesystem::last_write_time(path_), std::filesystem::file_size(path_)}; }

  void read_changes() {
    if (!std::filesystem::exists(path_) || version() == version_) return;
    table_ = measure::TuningTable::load(path_);
    version_ = version();
  }

  std::string path_;
  measure::TuningTable table_;
  Version version_;
};

/// The operator's choice, or why there is none. Throws DeviceLost.
void choose(TunedOperator& row, measure::Tuner& tuner, const measure::DeviceInfo& device) {
  try {
    const measure::Tuning tuning = tuner.tune(row.op);
    row.tuned = measure::TunedAlgorithm{device.name,   measure::library_version(row.op, device, version),
                                        row.op,        tuning.best,
                                        tuning.best_s, tuning.first,
                                        tuning.first_s};
  } catch (const measure::BackendError& problem) {
    if (problem.code() == measure::StatusCode::device_lost)
      throw measure::DeviceLost(
          fmt::format("the device was lost at {}: {}; what was tuned is in the table, and the same command goes on",
                      measure::text_of(row.op), problem.what()));
    row.reason = problem.what();
  } catch (const Error& wrong) {
    row.reason = wrong.what();
  }
}

}  // namespace

std::vector<TunedOperator> tune(std::span<const op::Operator> ops, MeasuringSession& session, const std::string& path,
                                std::int64_t candidates, bool again, const Interrupt& interrupt,
                                const Console& console) {
  const measure::DeviceInfo& device = session.device();
  TableFile file(path);
  measure::Tuner tuner(session.backend(), device, session.monitor(), nullptr, {},
                       static_cast<std::int32_t>(std::min(candidates, most_candidates)));
  std::vector<TunedOperator> rows;
  for (const op::Operator& op : ops) {
    if (interrupt.requested()) break;
    console.progress(fmt::format("{} of {}: {}", rows.size(), ops.size(), dims(op)));
    TunedOperator& row = rows.emplace_back(TunedOperator{op, std::nullopt, false, ""});
    const auto* known = file.table().find(op, device.name, measure::library_version(op, device, version));
    if (known && !again) {
      row.tuned = *known;
      row.present = true;
      continue;
    }
    choose(row, tuner, device);
    if (row.tuned) file.put(*row.tuned);
  }
  console.progress("");
  return rows;
}

}  // namespace gemmetry::cli
