#include "gemmetry/measure/record_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/record_fields.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

Record product(std::int64_t m, RecordStatus status = RecordStatus::ok) {
  Record record = full_record(op::Gemm{.m = m, .n = 8, .k = 8});
  record.status = status;
  if (status != RecordStatus::ok) record.reason = "as was asked";
  return record;
}

std::vector<std::string> texts(const Record& record) {
  std::vector<std::string> all;
  for (const RecordField& field : record_fields()) all.push_back(text_of(field.get(record)));
  return all;
}

/// Ends the process that runs it like a fork that failed, so that no test goes on in the child.
template <class Body>
pid_t in_child(const Body& body) {
  const pid_t child = fork();
  if (child != 0) return child;
  try {
    body();
  } catch (...) {
    _exit(1);
  }
  _exit(0);
}

int status_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(RecordStore, KeepsEveryField) {
  const Scratch folder;
  const Record record = product(8);
  {
    RecordStore store(folder.path("a.db"));
    EXPECT_TRUE(store.put(record));
  }
  RecordStore store(folder.path("a.db"), Access::read);
  EXPECT_TRUE(store.has(identity(record)));
  const std::optional<Record> again = store.get(identity(record));
  ASSERT_TRUE(again);
  EXPECT_EQ(texts(*again), texts(record));
  EXPECT_FALSE(store.get("no such"));
}

TEST(RecordStore, TheFirstOfAnIdentityStays) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  Record record = product(8);
  EXPECT_TRUE(store.put(record));
  record.measurement.median_s = 5;
  EXPECT_FALSE(store.put(record));
  EXPECT_EQ(store.count(), 1);
  EXPECT_NE(store.get(identity(record))->measurement.median_s, 5);
}

TEST(RecordStore, ListsWhatTheFilterLeavesInOrder) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  for (const std::int64_t m : {9, 3, 5}) store.put(product(m));
  store.put(product(7, RecordStatus::failed));
  Record norm = full_record(op::Norm{.rows = 8, .width = 16});
  norm.device.gpu[0] = 0;
  norm.setting.clocks = gpu::Clocks::burst;
  store.put(norm);
  EXPECT_EQ(store.list().size(), 5u);
  const std::vector<Record> products = store.list({.kind = "gemm", .status = RecordStatus::ok});
  ASSERT_EQ(products.size(), 3u);
  EXPECT_EQ(std::get<op::Gemm>(products[1].op).m, 3);
  EXPECT_EQ(store.count({.gpu = "h200"}), 4);
  EXPECT_EQ(store.count({.gpu = "NVIDIA H200"}), 5);
  EXPECT_EQ(store.count({.clocks = gpu::Clocks::burst}), 1);
  EXPECT_EQ(store.count({.kind = "x' OR '1"}), 0);
}

TEST(RecordStore, OnlyFailedOnesAreForgotten) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  const Record good = product(1), bad = product(2, RecordStatus::failed), skipped = product(3, RecordStatus::skipped);
  for (const Record& record : {good, bad, skipped}) store.put(record);
  EXPECT_FALSE(store.erase_failed(identity(good)));
  EXPECT_FALSE(store.erase_failed(identity(skipped)));
  EXPECT_TRUE(store.erase_failed(identity(bad)));
  EXPECT_FALSE(store.has(identity(bad)));
  EXPECT_EQ(store.count(), 2);
}

TEST(RecordStore, SamplesAreOptional) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  Record record = product(1);
  record.measurement.samples_s.clear();
  store.put(record);
  EXPECT_EQ(store.list().front().samples, 3);
  EXPECT_TRUE(store.list().front().measurement.samples_s.empty());
}

TEST(Claims, AreOneProcesss) {
  const Scratch folder;
  const std::string id = identity(product(1));
  RecordStore own(folder.path("a.db"));
  Process other = Process::self();
  other.id = getppid();
  other.start = 0;  // alive, as far as anyone can tell
  RecordStore theirs(folder.path("a.db"), Access::write, other);
  EXPECT_TRUE(own.claim(id));
  EXPECT_TRUE(own.claim(id));
  EXPECT_FALSE(theirs.claim(id));
  theirs.release(id);  // not theirs to give up
  EXPECT_FALSE(theirs.claim(id));
  own.release(id);
  EXPECT_TRUE(theirs.claim(id));
  EXPECT_FALSE(own.claim(id));
  theirs.put(product(1));
  EXPECT_FALSE(own.claim(id));  // there is a record
  EXPECT_FALSE(theirs.claim(id));
}

TEST(Claims, OfTheDeadAreTakenOver) {
  const Scratch folder;
  const std::string path = folder.path("a.db");
  RecordStore(path).count();
  const std::string id = identity(product(1));
  const pid_t child = in_child([&] { RecordStore(path).claim(id); });
  ASSERT_EQ(status_of(child), 0);
  EXPECT_TRUE(RecordStore(path).claim(id));

  Process earlier = Process::self();  // of the same number, but started before
  earlier.start -= 1;
  EXPECT_TRUE(RecordStore(path, Access::write, earlier).claim("another"));
  EXPECT_TRUE(RecordStore(path).claim("another"));
}

TEST(Claims, OfOtherHostsLastTenMinutes) {
  const Scratch folder;
  const std::string path = folder.path("a.db");
  RecordStore far(path, Access::write, {"elsewhere", 1, 1});
  EXPECT_TRUE(far.claim("a"));
  RecordStore own(path);
  EXPECT_FALSE(own.claim("a"));
  Database(path, Access::write).execute("UPDATE claims SET time = time - 601");
  EXPECT_TRUE(own.claim("a"));
}

TEST(RecordStore, ManyProcessesMeasureEachOnce) {
  const Scratch folder;
  const std::string path = folder.path("a.db");
  constexpr int processes = 4, operators = 60;
  std::vector<pid_t> children;
  for (int process = 0; process < processes; ++process)
    children.push_back(in_child([&] {
      RecordStore store(path);  // all at once make the tables
      for (int m = 1; m <= operators; ++m)
        if (store.claim(identity(product(m))) && !store.put(product(m))) _exit(2);
    }));
  for (const pid_t child : children) EXPECT_EQ(status_of(child), 0);
  RecordStore store(path);
  EXPECT_EQ(store.count(), operators);
  EXPECT_EQ(Database(path, Access::read).number("SELECT count(*) FROM claims"), 0);
}

TEST(RecordStore, AKilledProcessLosesNothingItStored) {
  const Scratch folder;
  const std::string path = folder.path("a.db");
  RecordStore(path).count();
  for (int round = 0; round < 10; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = in_child([&] {
      RecordStore store(path);
      for (int m = 1;; ++m) {
        store.put(product(1000 * (round + 1) + m));
        if (write(pipe_ends[1], "x", 1) != 1) _exit(3);
      }
    });
    close(pipe_ends[1]);
    char stored[20];
    std::int64_t count = 0;
    while (count < 5 + round) count += read(pipe_ends[0], stored, 1);
    kill(child, SIGKILL);
    status_of(child);
    for (std::int64_t more; (more = read(pipe_ends[0], stored, sizeof stored)) > 0;) count += more;
    close(pipe_ends[0]);
    RecordStore store(path);
    for (std::int64_t m = 1; m <= count; ++m) EXPECT_TRUE(store.has(identity(product(1000 * (round + 1) + m)))) << m;
    Database database(path, Access::read);
    Statement check(database, "PRAGMA integrity_check");
    ASSERT_TRUE(check.step());
    EXPECT_EQ(check.text(0), "ok");
  }
}

TEST(RecordStore, MergeCountsWhatItDoes) {
  const Scratch folder;
  RecordStore a(folder.path("a.db")), b(folder.path("b.db"));
  for (const std::int64_t m : {1, 2, 3}) a.put(product(m));
  b.put(product(2));
  Record other = product(3);
  other.measurement.median_s *= 2;
  b.put(other);
  b.put(product(4));
  const Admission done = a.merge(b.path());
  EXPECT_EQ(done.added, 1);
  EXPECT_EQ(done.present, 1);
  EXPECT_EQ(done.conflicting, 1);
  EXPECT_EQ(a.count(), 4);
  EXPECT_EQ(a.merge(b.path()).added, 0);
  EXPECT_EQ(a.merge(a.path()).present, 4);
  EXPECT_NE(error_of([&] { a.merge(folder.path("c.db")); }).find("c.db: there is no such file"), std::string::npos);
}

TEST(RecordStore, PutAllIsAllOrNothing) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  Record same = product(1);
  same.measurement.samples_s.clear();  // the same record without its samples
  const Admission done = store.put_all({product(1), product(2), same});
  EXPECT_EQ(done.added, 2);
  EXPECT_EQ(done.present, 1);
}

TEST(RecordSchema, OlderFilesAreBroughtUp) {
  const Scratch folder;
  const std::string path = folder.path("old.db");
  Record record = product(8);
  RecordStore(path).put(record);
  {
    Database database(path, Access::write);
    database.execute("ALTER TABLE records DROP COLUMN algorithm_swizzle");
    database.execute("DROP TABLE claims");
    database.execute("PRAGMA user_version = 0");
  }
  RecordStore store(path);
  record.algorithm.swizzle = 0;
  ASSERT_EQ(store.count(), 1);
  EXPECT_EQ(texts(store.list().front()), texts(record));
  EXPECT_TRUE(store.claim("a"));
  EXPECT_EQ(Database(path, Access::read).number("PRAGMA user_version"), RecordStore::schema_version);
}

TEST(RecordSchema, AnEmptyFileIsANewDatabase) {
  const Scratch folder;
  RecordStore store(folder.write("empty.db", ""));
  EXPECT_TRUE(store.put(product(1)));
}

TEST(RecordSchema, EveryFieldIsAColumn) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  Database database(store.path(), Access::read);
  for (const char* column : {"m", "algorithm_tile_m", "clocks", "samples_s", "columns"})
    EXPECT_EQ(
        database.number(std::string("SELECT count(*) FROM pragma_table_info('records') WHERE name = '") + column + "'"),
        1)
        << column;
}

TEST(RecordStoreErrors, NameTheFileAndTheFix) {
  const Scratch folder;
  const auto opened = [](const std::string& path, Access access = Access::write) {
    const std::string error = error_of([&] { RecordStore(path, access).count(); });
    EXPECT_TRUE(error.starts_with(path + ": ")) << error;
    return error;
  };
  EXPECT_NE(opened(folder.write("text", std::string(5000, 'x'))).find("is no database of gemmetry's"),
            std::string::npos);
  EXPECT_NE(opened(folder.path("none.db"), Access::read).find("there is no such file"), std::string::npos);
  EXPECT_NE(opened(folder.path("no/such/a.db")).find("there is no folder"), std::string::npos);
  EXPECT_NE(opened(folder.path("")).find("folder"), std::string::npos);

  const std::string newer = folder.path("newer.db");
  Database(newer, Access::write).execute("PRAGMA user_version = 99");
  EXPECT_NE(opened(newer).find("version 99"), std::string::npos);

  const std::string foreign = folder.path("foreign.db");
  Database(foreign, Access::write).execute("CREATE TABLE songs (title)");
  EXPECT_NE(opened(foreign).find("another program"), std::string::npos);
}

TEST(RecordStoreErrors, AFullDiskIsSaid) {
  const Scratch folder;
  RecordStore store(folder.path("a.db"));
  store.put(product(1));
  Database full(store.path(), Access::write);
  full.execute("PRAGMA max_page_count = 1");  // as full as a disk can be made here
  const std::string error = error_of([&] {
    for (int i = 0; i < 1000; ++i) full.execute("INSERT INTO claims VALUES (hex(randomblob(500)), 'h', 1, 1, 1)");
  });
  EXPECT_NE(error.find("the disk is full"), std::string::npos) << error;
  EXPECT_EQ(store.count(), 1);
}

TEST(RecordStoreErrors, AFileThatCannotBeWritten) {
  if (geteuid() == 0) GTEST_SKIP() << "the superuser may write to every file";
  const Scratch folder;
  const std::string path = folder.path("a.db");
  RecordStore(path).put(product(1));
  chmod(path.c_str(), 0400);
  RecordStore store(path, Access::read);
  EXPECT_EQ(store.count(), 1);
  EXPECT_NE(error_of([&] { store.put(product(2)); }).find("cannot be written"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::measure
