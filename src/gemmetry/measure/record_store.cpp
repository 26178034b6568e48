#include "gemmetry/measure/record_store.h"

#include <fmt/format.h>

#include <ctime>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/record_fields.h"
#include "gemmetry/measure/record_schema.h"

namespace gemmetry::measure {
namespace {

/// Far longer than any one measurement; a host that was switched off cannot say that its process has ended.
constexpr std::int64_t foreign_claim_s = 600;

std::string column_list() {
  std::string list;
  for (const RecordField& field : record_fields()) list += (list.empty() ? "" : ", ") + column_of(field.key);
  return list;
}

std::string insert_sql() {
  std::string values = "?";
  for (std::size_t i = 0; i < record_fields().size(); ++i) values += ", ?";
  return fmt::format("INSERT OR IGNORE INTO records (identity, {}) VALUES ({})", column_list(), values);
}

/// The filter's condition, and what is bound to it in order.
struct Condition {
  std::string sql = "1";
  std::vector<std::string> values;

  explicit Condition(const RecordFilter& filter) {
    if (filter.kind) add("kind = ?", *filter.kind);
    if (filter.status) add("status = ?", std::string(name(*filter.status)));
    if (filter.clocks) add("clocks = ?", std::string(gpu::name(*filter.clocks)));
    if (filter.dtype) add("dtype = ?", std::string(shape::name(*filter.dtype)));
    if (filter.policy) add("policy = ?", std::string(name(*filter.policy)));
    if (filter.gpu) {
      add("(gpu = ? OR device = ?)", *filter.gpu);
      values.push_back(*filter.gpu);
    }
  }
  void bind(Statement& statement) const {
    for (std::size_t i = 0; i < values.size(); ++i) statement.bind(static_cast<int>(i), std::string_view(values[i]));
  }

 private:
  void add(const std::string& term, const std::string& value) {
    sql += " AND " + term;
    values.push_back(value);
  }
};

Record record_at(const Statement& row) {
  return read_record([&](std::size_t field) { return row.text(static_cast<int>(field)); });
}

/// One of them may have come without its samples.
bool same(const Record& a, const Record& b) {
  const bool both_sampled = !a.measurement.samples_s.empty() && !b.measurement.samples_s.empty();
  for (const RecordField& field : record_fields())
    if ((both_sampled || field.key != samples_key) && text_of(field.get(a)) != text_of(field.get(b))) return false;
  return true;
}

/// Makes a statement ready for its next use, whatever happens to its row.
class OneRow {
 public:
  explicit OneRow(Statement& statement) : statement_(statement), found_(statement.step()) {}
  ~OneRow() { statement_.reset(); }
  OneRow(const OneRow&) = delete;
  OneRow& operator=(const OneRow&) = delete;

  bool found() const { return found_; }

 private:
  Statement& statement_;
  bool found_;
};

}  // namespace

struct RecordStore::Statements {
  Statement insert, has, get, erase_failed, find_claim, claim, release;

  explicit Statements(Database& database)
      : insert(database, insert_sql()),
        has(database, "SELECT 1 FROM records WHERE identity = ?"),
        get(database, fmt::format("SELECT {} FROM records WHERE identity = ?", column_list())),
        erase_failed(database, "DELETE FROM records WHERE identity = ? AND status = 'failed'"),
        find_claim(database, "SELECT host, process, start, time FROM claims WHERE identity = ?"),
        claim(database, "INSERT OR REPLACE INTO claims (identity, host, process, start, time) VALUES (?, ?, ?, ?, ?)"),
        release(database, "DELETE FROM claims WHERE identity = ? AND host = ? AND process = ? AND start = ?") {}
};

RecordStore::RecordStore(const std::string& path, Access access, Process owner)
    : database_(path, access), owner_(std::move(owner)) {
  migrate(database_, schema_version);
  statements_ = std::make_unique<Statements>(database_);
}

RecordStore::~RecordStore() = default;

const std::string& RecordStore::path() const { return database_.path(); }

bool RecordStore::put(const Record& record) {
  const std::string id = identity(record);
  Transaction transaction(database_);
  const bool added = insert(id, record);
  release(id);
  transaction.commit();
  return added;
}

bool RecordStore::insert(const std::string& id, const Record& record) {
  Statement& insert = statements_->insert;
  insert.bind(0, std::string_view(id));
  const std::vector<RecordField>& fields = record_fields();
  for (std::size_t i = 0; i < fields.size(); ++i) insert.bind(static_cast<int>(i) + 1, fields[i].get(record));
  insert.run();
  return database_.changes() > 0;
}

bool RecordStore::has(const std::string& identity) {
  return OneRow(statements_->has.bind(0, std::string_view(identity))).found();
}

std::optional<Record> RecordStore::get(const std::string& identity) {
  Statement& get = statements_->get.bind(0, std::string_view(identity));
  const OneRow row(get);
  return row.found() ? std::optional(record_at(get)) : std::nullopt;
}

void RecordStore::each(const RecordFilter& filter, const std::function<void(const Record&)>& visit) {
  const Condition condition(filter);
  Statement rows(database_, fmt::format("SELECT {} FROM records WHERE {} ORDER BY id", column_list(), condition.sql));
  condition.bind(rows);
  while (rows.step()) {
    try {
      visit(record_at(rows));
    } catch (const Error& problem) {
      throw Error(fmt::format("{}: {}", path(), problem.what()));
    }
  }
}

std::vector<Record> RecordStore::list(const RecordFilter& filter) {
  std::vector<Record> records;
  each(filter, [&](const Record& record) { records.push_back(record); });
  return records;
}

std::int64_t RecordStore::count(const RecordFilter& filter) {
  const Condition condition(filter);
  Statement count(database_, fmt::format("SELECT count(*) FROM records WHERE {}", condition.sql));
  condition.bind(count);
  return count.step() ? count.number(0) : 0;
}

bool RecordStore::erase_failed(const std::string& identity) {
  statements_->erase_failed.bind(0, std::string_view(identity)).run();
  return database_.changes() > 0;
}

bool RecordStore::claim(const std::string& identity) {
  const std::int64_t now = std::time(nullptr);
  Transaction transaction(database_);
  if (has(identity)) return false;
  Statement& claim = statements_->find_claim.bind(0, std::string_view(identity));
  if (const OneRow row(claim); row.found()) {
    const Process other{claim.text(0), claim.number(1), claim.number(2)};
    const std::int64_t age_s = now - claim.number(3);
    const bool holds = other.host == owner_.host ? !has_ended(other) : age_s < foreign_claim_s;
    if (!(other == owner_) && holds) return false;
  }
  statements_->claim.bind(0, std::string_view(identity))
      .bind(1, std::string_view(owner_.host))
      .bind(2, owner_.id)
      .bind(3, owner_.start)
      .bind(4, now)
      .run();
  transaction.commit();
  return true;
}

void RecordStore::release(const std::string& identity) {
  statements_->release.bind(0, std::string_view(identity))
      .bind(1, std::string_view(owner_.host))
      .bind(2, owner_.id)
      .bind(3, owner_.start)
      .run();
}

void RecordStore::admit(const Record& record, Admission& admission) {
  const std::string id = identity(record);
  if (insert(id, record))
    ++admission.added;
  else if (same(*get(id), record))
    ++admission.present;
  else
    ++admission.conflicting;
}

Admission RecordStore::put_all(const std::vector<Record>& records) {
  Admission admission;
  Transaction transaction(database_);
  for (const Record& record : records) admit(record, admission);
  transaction.commit();
  return admission;
}

Admission RecordStore::merge(const std::string& path) {
  RecordStore other(path, Access::read);
  Admission admission;
  Transaction transaction(database_);
  other.each({}, [&](const Record& record) { admit(record, admission); });
  transaction.commit();
  return admission;
}

}  // namespace gemmetry::measure
