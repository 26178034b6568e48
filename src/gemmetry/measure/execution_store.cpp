#include "gemmetry/measure/execution_store.h"

#include <fmt/format.h>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/record_schema.h"

namespace gemmetry::measure {
namespace {

std::string column_list() {
  std::string list;
  for (const ExecutionField& field : execution_fields()) list += (list.empty() ? "" : ", ") + column_of(field.key);
  return list;
}

Execution execution_at(const Statement& row) {
  return read_execution([&](std::size_t field) { return row.text(static_cast<int>(field)); });
}

bool same(const Execution& a, const Execution& b) {
  for (const ExecutionField& field : execution_fields())
    if (text_of(field.get(a)) != text_of(field.get(b))) return false;
  return true;
}

}  // namespace

ExecutionStore::ExecutionStore(const std::string& path, Access access) : database_(path, access) {
  migrate(database_, RecordStore::schema_version);
}

bool ExecutionStore::insert(const Execution& execution) {
  const std::string id = identity(execution);
  Statement(database_, "DELETE FROM executions WHERE identity = ? AND status = 'failed'")
      .bind(0, std::string_view(id))
      .run();
  const std::vector<ExecutionField>& fields = execution_fields();
  std::string values = "?";
  for (std::size_t i = 0; i < fields.size(); ++i) values += ", ?";
  Statement insert(database_,
                   fmt::format("INSERT OR IGNORE INTO executions (identity, {}) VALUES ({})", column_list(), values));
  insert.bind(0, std::string_view(id));
  for (std::size_t i = 0; i < fields.size(); ++i) insert.bind(static_cast<int>(i) + 1, fields[i].get(execution));
  insert.run();
  return database_.changes() > 0;
}

bool ExecutionStore::put(const Execution& execution) {
  Transaction transaction(database_);
  const bool added = insert(execution);
  transaction.commit();
  return added;
}

std::optional<Execution> ExecutionStore::get(const std::string& identity) {
  Statement rows(database_, fmt::format("SELECT {} FROM executions WHERE identity = ?", column_list()));
  rows.bind(0, std::string_view(identity));
  return rows.step() ? std::optional(execution_at(rows)) : std::nullopt;
}

std::vector<Execution> ExecutionStore::list() {
  std::vector<Execution> executions;
  Statement rows(database_, fmt::format("SELECT {} FROM executions ORDER BY id", column_list()));
  while (rows.step()) try {
      executions.push_back(execution_at(rows));
    } catch (const Error& problem) {
      throw Error(fmt::format("{}: {}", path(), problem.what()));
    }
  return executions;
}

Admission ExecutionStore::put_all(const std::vector<Execution>& executions) {
  Admission admission;
  Transaction transaction(database_);
  for (const Execution& execution : executions) {
    if (insert(execution))
      ++admission.added;
    else if (same(*get(identity(execution)), execution))
      ++admission.present;
    else
      ++admission.conflicting;
  }
  transaction.commit();
  return admission;
}

}  // namespace gemmetry::measure
