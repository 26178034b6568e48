#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/process.h"
#include "gemmetry/measure/record.h"
#include "gemmetry/measure/sqlite.h"

namespace gemmetry::measure {

/// Which records are meant; what is absent does not restrict.
struct RecordFilter {
  std::optional<std::string> kind;
  std::optional<std::string> gpu;  ///< the catalogue's name or the device's
  std::optional<RecordStatus> status;
  std::optional<gpu::Clocks> clocks;
  std::optional<shape::Dtype> dtype;
  std::optional<Policy> policy;
};

/// What became of records that were offered to a store.
struct Admission {
  std::int64_t added = 0;
  std::int64_t present = 0;      ///< the same record was there
  std::int64_t conflicting = 0;  ///< another one of the same identity was there and is kept
};

/// Records in a file, each identity once. Several processes may use one file at a time; a record is there whole or not
/// at all, whenever the process ends. Errors name the file and the fix.
class RecordStore {
 public:
  /// Layout of the file; older ones are brought up to it when they are opened.
  static constexpr std::int64_t schema_version = 2;

  /// `owner` is who claims are made for.
  explicit RecordStore(const std::string& path, Access access = Access::write, Process owner = Process::self());
  ~RecordStore();
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;

  const std::string& path() const;

  /// Stores the record and gives up its claim. False where one of its identity is there, which stays.
  bool put(const Record& record);

  bool has(const std::string& identity);
  std::optional<Record> get(const std::string& identity);

  /// Calls visit for each record in the order they came.
  void each(const RecordFilter& filter, const std::function<void(const Record&)>& visit);
  std::vector<Record> list(const RecordFilter& filter = {});
  std::int64_t count(const RecordFilter& filter = {});

  /// Forgets the record if it failed, so that it is measured again. Whether it was so.
  bool erase_failed(const std::string& identity);

  /// Whether the caller is to measure what has this identity: there is no record of it and no other process is at it.
  /// Claims of processes that have ended do not count, nor do those of other hosts after ten minutes.
  bool claim(const std::string& identity);
  void release(const std::string& identity);

  /// Stores all of the records or, at an error, none.
  Admission put_all(const std::vector<Record>& records);

  /// Stores the records of another file. All or none.
  Admission merge(const std::string& path);

 private:
  struct Statements;

  bool insert(const std::string& identity, const Record& record);
  void admit(const Record& record, Admission& admission);

  Database database_;
  Process owner_;
  std::unique_ptr<Statements> statements_;
};

}  // namespace gemmetry::measure
