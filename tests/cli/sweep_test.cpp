#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "cli/measuring.h"

// Sweeps that are killed, shared and interrupted.

namespace gemmetry::cli {
namespace {

/// The program at work beside the test.
class Running {
 public:
  explicit Running(const std::string& arguments, const std::string& out = "/dev/null") {
    const std::string command = "exec " GEMMETRY_BINARY " " + arguments;
    id_ = fork();
    if (id_ != 0) return;
    const int file = open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  ~Running() {
    if (id_ > 0) end(SIGKILL);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void send(int signal) const { kill(id_, signal); }
  /// Its exit status, or 128 and the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  int end(int signal) {
    send(signal);
    return wait();
  }

 private:
  pid_t id_ = 0;
};

/// What the first row and column of a query is; empty where the file is not there yet, or has no such table.
std::string query(const std::string& database, const std::string& sql) {
  sqlite3* connection = nullptr;
  std::string answer;
  if (sqlite3_open_v2(database.c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    sqlite3_busy_timeout(connection, 5000);
    const auto take = [](void* target, int, char** cells, char**) {
      *static_cast<std::string*>(target) = cells[0] ? cells[0] : "";
      return 0;
    };
    sqlite3_exec(connection, sql.c_str(), take, &answer, nullptr);
  }
  sqlite3_close(connection);
  return answer;
}

std::int64_t stored(const std::string& database) {
  const std::string count = query(database, "SELECT count(*) FROM records");
  return count.empty() ? 0 : std::stoll(count);
}

/// Waits until the database has that many records; false after a minute.
bool wait_for_records(const std::string& database, std::int64_t count) {
  for (int i = 0; i < 6000; ++i) {
    if (stored(database) >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// Each record by its operator; every operator once.
std::map<std::string, Json> records_in(const std::string& database) {
  const Result listed = gemmetry("records export --samples --format json --db " + database);
  EXPECT_EQ(listed.code, 0) << listed.err;
  std::map<std::string, Json> records;
  if (listed.code != 0) return records;
  const Json answer = listed.json();
  for (const Json& record : answer.at("records")) {
    const std::string op = record.at("m").dump() + " " + record.at("n").dump() + " " + record.at("k").dump();
    EXPECT_TRUE(records.emplace(op, record).second) << op << " is there twice";
  }
  return records;
}

Json sweep_of(const Result& result) {
  EXPECT_EQ(result.code, 0) << result.err;
  return result.code == 0 ? result.json().at("sweep") : Json();
}

TEST(Sweep, KilledTenTimesASweepLosesAndRepeatsNothing) {
  const Scratch scratch;
  const std::string database = scratch.path("a.db");
  std::map<std::string, Json> before;
  for (int kill = 0; kill < 10; ++kill) {
    Running sweep(measure(shapes, database));
    ASSERT_TRUE(wait_for_records(database, stored(database) + 1 + kill % 4));
    std::this_thread::sleep_for(std::chrono::milliseconds(kill));
    EXPECT_EQ(sweep.end(SIGKILL), 128 + SIGKILL);
    EXPECT_EQ(query(database, "PRAGMA integrity_check"), "ok");
    std::map<std::string, Json> now = records_in(database);
    for (const auto& [op, record] : before) EXPECT_EQ(now[op], record) << op;
    EXPECT_GT(now.size(), before.size());
    before = std::move(now);
  }
  const Json sweep = sweep_of(gemmetry(measure(shapes, database) + " --format json"));
  EXPECT_EQ(sweep.at("present"), before.size());
  EXPECT_EQ(sweep.at("measured"), shape_count - static_cast<std::int64_t>(before.size()));
  EXPECT_EQ(sweep.at("ending"), "complete");
  std::map<std::string, Json> all = records_in(database);
  EXPECT_EQ(all.size(), static_cast<std::size_t>(shape_count));
  for (const auto& [op, record] : before) EXPECT_EQ(all[op], record) << op;
  EXPECT_EQ(query(database, "PRAGMA integrity_check"), "ok");
}

TEST(Sweep, TwoProcessesShareOneDatabase) {
  const Scratch scratch;
  const std::string database = scratch.path("a.db");
  Running other(measure(shapes, database) + " --format json --out " + scratch.path("other.json"), scratch.path("err"));
  const Json own = sweep_of(gemmetry(measure(shapes, database) + " --format json"));
  ASSERT_EQ(other.wait(), 0) << read_text(scratch.path("err"));
  const Json its = Json::parse(read_text(scratch.path("other.json"))).at("sweep");
  EXPECT_EQ(own.at("measured").get<std::int64_t>() + its.at("measured").get<std::int64_t>(), shape_count);
  EXPECT_EQ(records_in(database).size(), static_cast<std::size_t>(shape_count));
}

/// The databases that the ranks of a sweep wrote, which are to be disjoint and together complete, also once merged.
void expect_shared(const Scratch& scratch, const std::vector<std::string>& databases) {
  std::map<std::string, Json> all;
  std::string files;
  for (const std::string& database : databases) {
    const std::map<std::string, Json> part = records_in(database);
    EXPECT_GT(part.size(), 0u) << database;
    for (const auto& [op, record] : part) EXPECT_TRUE(all.emplace(op, record).second) << op << " in two files";
    files += " " + database;
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(shape_count));
  const std::string merged = scratch.path("merged.db");
  ASSERT_EQ(gemmetry("records merge" + files + " --db " + merged).code, 0);
  EXPECT_EQ(records_in(merged), all);
}

TEST(Sweep, MpirunSharesASweep) {
  if (std::system("mpirun --version 2>&1 | grep -q 'Open MPI'") != 0) GTEST_SKIP() << "Open MPI is not installed";
  const Scratch scratch;
  const std::string run = "mpirun -np 2 --oversubscribe --allow-run-as-root " GEMMETRY_BINARY " " +
                          measure(shapes, scratch.path("a.db")) + " >" + scratch.path("out") + " 2>&1";
  ASSERT_EQ(std::system(run.c_str()), 0) << read_text(scratch.path("out"));
  expect_shared(scratch, {scratch.path("a.rank0.db"), scratch.path("a.rank1.db")});
}

/// Runs the program with these environment variables.
Result with_environment(const std::string& variables, const std::string& arguments) {
  return gemmetry("--version >/dev/null; env " + variables + " " GEMMETRY_BINARY " " + arguments);
}

TEST(Sweep, SlurmVariablesShareASweep) {
  const Scratch srun, array;
  for (const std::string rank : {"0", "1"}) {
    const std::string step = "SLURM_STEP_ID=0 SLURM_NTASKS=2 SLURM_LOCALID=" + rank + " SLURM_PROCID=" + rank;
    EXPECT_EQ(with_environment(step, measure(shapes, srun.path("a.db"))).code, 0);
    const std::string task =
        "SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_MAX=5 SLURM_ARRAY_TASK_STEP=2 "
        "SLURM_ARRAY_TASK_ID=" +
        std::string(rank == "0" ? "3" : "5");
    EXPECT_EQ(with_environment(task, measure(shapes, array.path("a.db"))).code, 0);
  }
  expect_shared(srun, {srun.path("a.rank0.db"), srun.path("a.rank1.db")});
  expect_shared(array, {array.path("a.rank0.db"), array.path("a.rank1.db")});
}

TEST(Sweep, SharesAreStatedToo) {
  const Scratch scratch;
  EXPECT_EQ(gemmetry(measure(shapes, scratch.path("a.db")) + " --share 1/2").code, 0);
  EXPECT_EQ(gemmetry(measure(shapes, scratch.path("a.db")) + " --share 2/2").code, 0);
  expect_shared(scratch, {scratch.path("a.rank0.db"), scratch.path("a.rank1.db")});
}

TEST(Sweep, CtrlCEndsASweepAndTheSameCommandGoesOn) {
  const Scratch scratch;
  const std::string database = scratch.path("a.db"), out = scratch.path("out");
  Running sweep(measure(shapes, database), out);
  ASSERT_TRUE(wait_for_records(database, 3));
  ASSERT_EQ(sweep.end(SIGINT), 0) << read_text(out);
  const std::string text = read_text(out);
  EXPECT_NE(text.find("interrupted"), std::string::npos) << text;
  EXPECT_NE(text.find("the same command goes on"), std::string::npos) << text;
  const std::int64_t before = stored(database);
  EXPECT_GE(before, 3);
  EXPECT_LT(before, shape_count);
  const Json rest = sweep_of(gemmetry(measure(shapes, database) + " --format json"));
  EXPECT_EQ(rest.at("present"), before);
  EXPECT_EQ(rest.at("measured"), shape_count - before);
}

TEST(Sweep, ATimeBudgetEndsASweep) {
  const Scratch scratch;
  const Json sweep = sweep_of(gemmetry(measure(shapes, scratch.path("a.db")) + " --time-budget 0.1s --format json"));
  EXPECT_EQ(sweep.at("ending"), "time_budget");
  EXPECT_GT(sweep.at("left"), 0);
  EXPECT_EQ(sweep.at("left").get<std::int64_t>() + sweep.at("measured").get<std::int64_t>(), shape_count);
}

}  // namespace
}  // namespace gemmetry::cli
