#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemmetry/measure/execution.h"
#include "gemmetry/measure/record_store.h"
#include "gemmetry/measure/sqlite.h"

namespace gemmetry::measure {

/// Records of executed wholes in a file, beside those of operators, each identity once. A record is there whole or not
/// at all. Errors name the file and the fix.
class ExecutionStore {
 public:
  explicit ExecutionStore(const std::string& path, Access access = Access::write);

  const std::string& path() const { return database_.path(); }

  /// False where one of its identity is there, which stays, unless it failed: that is replaced.
  bool put(const Execution& execution);
  std::optional<Execution> get(const std::string& identity);
  /// In the order they came.
  std::vector<Execution> list();

  /// Stores all of the records or, at an error, none.
  Admission put_all(const std::vector<Execution>& executions);

 private:
  bool insert(const Execution& execution);

  Database database_;
};

}  // namespace gemmetry::measure
