#include "gemmetry/cli/tuning.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
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

/// A tuning table on disk, which other processes may fill too. Choices are written when a second has passed since the
/// last were, and at the end: a large table takes longer to write than an operator to tune.
class TableFile {
 public:
  explicit TableFile(std::string path) : path_(std::move(path)), table_(existing()) {}
  ~TableFile() {
    try {
      write();
    } catch (...) {  // it was told already, or the next write will tell
    }
  }
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  const measure::TuningTable& table() const { return table_; }

  void put(const measure::TunedAlgorithm& tuned) {
    fresh_.push_back(tuned);
    if (Clock::now() - written_ >= std::chrono::seconds(1)) write();
  }

  /// Puts them beside what other processes have put there meanwhile. Error as TuningTable has it.
  void write() {
    if (fresh_.empty()) return;
    const FolderLock lock(path_);
    measure::TuningTable table = existing();
    for (const measure::TunedAlgorithm& tuned : fresh_) table.put(tuned);
    table.save(path_);
    fresh_.clear();
    written_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;

  measure::TuningTable existing() const {
    return std::filesystem::exists(path_) ? measure::TuningTable::load(path_) : measure::TuningTable();
  }

  std::string path_;
  measure::TuningTable table_;  ///< as it was at the beginning
  std::vector<measure::TunedAlgorithm> fresh_;
  Clock::time_point written_ = {};
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
  file.write();
  return rows;
}

}  // namespace gemmetry::cli
