#include "gemmetry/measure/record_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/execution.h"
#include "gemmetry/measure/record_fields.h"

namespace gemmetry::measure {
namespace {

std::string bare_column_of(std::string key) {
  std::replace(key.begin(), key.end(), '.', '_');
  return key;
}

template <class Field>
void add_missing_columns(Database& database, std::string_view table, const std::vector<Field>& fields) {
  std::set<std::string> present;
  Statement columns(database, fmt::format("SELECT name FROM pragma_table_info('{}')", table));
  while (columns.step()) present.insert(columns.text(0));
  for (const Field& field : fields)
    if (!present.contains(bare_column_of(field.key)))
      database.execute(fmt::format("ALTER TABLE {} ADD COLUMN {}", table, column_of(field.key)));
}

/// From an empty file. Columns have no type, as SQLite keeps that of each value.
void make_tables(Database& database) {
  database.execute("CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE)");
  database.execute(
      "CREATE TABLE IF NOT EXISTS claims (identity TEXT PRIMARY KEY, host TEXT NOT NULL, process INTEGER NOT NULL, "
      "start INTEGER NOT NULL, time INTEGER NOT NULL)");
  add_missing_columns(database, "records", record_fields());
}

/// Wholes that were executed came with version 2.
void make_executions(Database& database) {
  database.execute("CREATE TABLE IF NOT EXISTS executions (id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE)");
  add_missing_columns(database, "executions", execution_fields());
}

/// steps[v] makes version v + 1 of version v. A field that is added to the table of fields needs a step too:
/// add_missing_columns.
constexpr void (*steps[])(Database&) = {make_tables, make_executions};

std::int64_t version_of(Database& database) { return database.number("PRAGMA user_version"); }

/// Version 0 is that of an empty file, and of every database of another program.
void require_ours(Database& database) {
  if (database.number("SELECT count(*) FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'") > 0 &&
      database.number("SELECT count(*) FROM sqlite_master WHERE name = 'records'") == 0)
    throw Error(fmt::format("{}: is the database of another program; name another file", database.path()));
}

}  // namespace

std::string column_of(const std::string& key) { return fmt::format("\"{}\"", bare_column_of(key)); }

void migrate(Database& database, std::int64_t version) {
  const std::int64_t found = version_of(database);
  if (found > version)
    throw Error(
        fmt::format("{}: has version {} of the tables, and this gemmetry knows {}: use a newer gemmetry, or "
                    "another file",
                    database.path(), found, version));
  if (found == version) return;
  require_ours(database);
  if (database.read_only())
    throw Error(fmt::format("{}: has the tables of an older gemmetry and cannot be written; copy it to where it can",
                            database.path()));
  Transaction transaction(database);
  // Another process may have been quicker.
  for (std::int64_t at = version_of(database); at < version; ++at) steps[at](database);
  database.execute(fmt::format("PRAGMA user_version = {}", version));
  transaction.commit();
}

}  // namespace gemmetry::measure
