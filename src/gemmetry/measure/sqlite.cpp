#include "gemmetry/measure/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "gemmetry/base/error.h"

namespace gemmetry::measure {
namespace {

constexpr int busy_timeout_ms = 30'000;

/// The name under which SQLite opens a file that nobody writes, from a folder in which it may make no file of its own.
std::string immutable_name(const std::string& path) {
  std::string name = "file:";
  for (const char c : path)
    if (c == '%' || c == '?' || c == '#')
      name += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      name += c;
  return name + "?immutable=1";
}

bool has_log(const std::string& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path + "-wal", failure);
  return !failure && size > 0;
}

std::string explained(int code, const std::string& path, const std::string& message) {
  std::error_code failure;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return "is no database of gemmetry's; name another file";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "cannot be written; copy it to where it can";
    case SQLITE_FULL:
      return "the disk is full; make room and run the same command again: what was stored is safe";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fmt::format("another process has held it for over {} s; try again when that has ended",
                         busy_timeout_ms / 1000);
    case SQLITE_CORRUPT:
      return "is damaged; copy it and recover what is left with: sqlite3 FILE .recover";
    case SQLITE_CANTOPEN:
      if (std::filesystem::is_directory(path, failure)) return "is a folder; name a file";
      if (!folder.empty() && !std::filesystem::exists(folder, failure))
        return fmt::format("there is no folder {}; make it or name another file", folder.string());
      if (!std::filesystem::exists(path, failure)) return "there is no such file, and it cannot be made";
      return "cannot be opened; check its permissions";
    default:
      return fmt::format("{} (SQLite {})", message, code);
  }
}

}  // namespace

Database::Database(std::string path, Access access) : path_(std::move(path)) {
  std::error_code failure;
  if (access == Access::read && path_ != ":memory:" && !std::filesystem::exists(path_, failure))
    throw Error(fmt::format("{}: there is no such file; measure first, or name the database with --db", path_));
  // A file that is not to be changed opens for reading alone.
  open(path_, SQLITE_OPEN_READWRITE | (access == Access::write ? SQLITE_OPEN_CREATE : 0));
  try {
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    const bool readable = use_write_ahead_log();
    if (!readable && access == Access::read && !has_log(path_)) {
      sqlite3_close(handle_);
      open(immutable_name(path_), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    // A commit in the log has left this process when it returns, so kill -9 loses nothing; only a machine that stops
    // can lose the last records, and never the file. Waiting for the disk at each commit would cost milliseconds.
    execute("PRAGMA synchronous = NORMAL");
    number("PRAGMA user_version");  // the first statement that reads the file
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() { sqlite3_close(handle_); }

void Database::open(const std::string& name, int flags) {
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code == SQLITE_OK) return;
  const std::string problem = explained(code, path_, sqlite3_errmsg(handle_));
  sqlite3_close(handle_);
  handle_ = nullptr;
  throw Error(fmt::format("{}: {}", path_, problem));
}

/// Where the log is not to be had (a network's file system), SQLite stays with its journal, which is as safe. False
/// when the file cannot be opened at all.
bool Database::use_write_ahead_log() {
  if (read_only()) {
    const int code = sqlite3_exec(handle_, "PRAGMA user_version", nullptr, nullptr, nullptr);
    return (code & 0xff) != SQLITE_CANTOPEN && (code & 0xff) != SQLITE_READONLY;
  }
  // The change of mode does not always wait for the other processes that make it too.
  for (int waited_ms = 0;; waited_ms += 10) {
    const int code = sqlite3_exec(handle_, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return true;
    const int kind = code & 0xff;
    if (kind == SQLITE_CANTOPEN || kind == SQLITE_READONLY) return false;
    if (kind != SQLITE_BUSY || waited_ms >= busy_timeout_ms) fail(code);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(const std::string& sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes(handle_); }

bool Database::read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

void Database::fail(int code) const {
  throw Error(fmt::format("{}: {}", path_, explained(code, path_, sqlite3_errmsg(handle_))));
}

Statement::Statement(Database& database, const std::string& sql) : database_(database) {
  const int code = sqlite3_prepare_v2(database_.handle_, sql.c_str(), static_cast<int>(sql.size()), &handle_, nullptr);
  if (code != SQLITE_OK) database_.fail(code);
}

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement& Statement::bind(int parameter, std::string_view text) {
  sqlite3_bind_text64(handle_, parameter + 1, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(handle_, parameter + 1, value);
  return *this;
}

Statement& Statement::bind(int parameter, const FieldValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return bind(parameter, std::int64_t{*flag});
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return bind(parameter, *whole);
  if (const auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(handle_, parameter + 1, *real);
    return *this;
  }
  if (std::holds_alternative<std::monostate>(value) || std::holds_alternative<std::nullptr_t>(value)) {
    sqlite3_bind_null(handle_, parameter + 1);
    return *this;
  }
  return bind(parameter, std::string_view(text_of(value)));
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const int extended = sqlite3_extended_errcode(database_.handle_);
    sqlite3_reset(handle_);
    database_.fail(extended);
  }
  sqlite3_reset(handle_);
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() { sqlite3_reset(handle_); }

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
  switch (sqlite3_column_type(handle_, column)) {
    case SQLITE_NULL:
      return "";
    case SQLITE_INTEGER:
      return fmt::format("{}", sqlite3_column_int64(handle_, column));
    case SQLITE_FLOAT:
      return fmt::format("{}", sqlite3_column_double(handle_, column));
    default: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
      return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
    }
  }
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const Error&) {
    // The first error is the one to be told; SQLite rolls back by itself where it cannot be asked to.
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace gemmetry::measure
