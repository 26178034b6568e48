#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gemmetry/measure/record_fields.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gemmetry::measure {

/// Whether a database is made where there is none.
enum class Access { read, write };

/// A connection to an SQLite file. Every error is an Error that names the file, what is wrong and the fix.
class Database {
 public:
  Database(std::string path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);
  /// The whole number that a query's first row begins with.
  std::int64_t number(const std::string& sql);
  std::int64_t changes() const;
  bool read_only() const;
  const std::string& path() const { return path_; }

  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  void open(const std::string& name, int flags);
  bool use_write_ahead_log();

  std::string path_;
  sqlite3* handle_ = nullptr;
};

/// A prepared statement. Parameters and columns count from 0.
class Statement {
 public:
  Statement(Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(int parameter, const FieldValue& value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t value);

  /// Goes to the next row; false after the last, when the statement is ready to run again.
  bool step();
  /// Runs it to its end.
  void run();
  void reset();

  std::int64_t number(int column) const;
  /// Empty where the column is null; numbers read back exactly.
  std::string text(int column) const;

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

/// Rolled back unless it was committed. Begins as a writer, so that what it reads stays true until it ends.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace gemmetry::measure
