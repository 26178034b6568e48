#include "gemmetry/measure/sweep.h"

#include <gtest/gtest.h>

#include <cmath>

#include "measure/fake_backend.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

Verdict right(Backend&, const op::Operator&, const Call&, std::uint64_t) { return {.right = true, .error = 0.5}; }

std::vector<op::Operator> products(std::int64_t count) {
  std::vector<op::Operator> ops;
  for (std::int64_t m = 1; m <= count; ++m) ops.push_back(op::Gemm{.m = m, .n = 16, .k = 16});
  return ops;
}

std::int64_t m_of(const op::Operator& op) { return std::get<op::Gemm>(op).m; }

/// A fake device, a database in a folder of its own, and what a sweep needs.
struct Bench {
  Scratch folder;
  FakeBackend backend;
  ClockMonitor monitor{std::string()};
  Measuring measuring;
  SweepOptions options;
  RecordStore store{folder.path("records.db")};

  Bench() {
    measuring.check = right;
    measuring.clock = &backend.clock;
    measuring.tool = "0.1.0";
    measuring.command = [](const op::Operator&) { return "gemmetry measure gemm"; };
    options.clock = &backend.clock;
  }
  SweepSummary run(const std::vector<op::Operator>& ops) {
    Measurer measurer(backend, monitor, measuring);
    return sweep(measurer, store, ops, options);
  }
};

TEST(Sweep, MeasuresEachOnceAndStoresIt) {
  Bench bench;
  bench.backend.seconds = [](const op::Operator& op, const AlgorithmInfo&) { return 1e-6 * double(m_of(op)); };
  std::vector<op::Operator> ops = products(20);
  ops.push_back(ops.front());
  const SweepSummary summary = bench.run(ops);
  EXPECT_EQ(summary.total, 20);
  EXPECT_EQ(summary.ok, 20);
  EXPECT_EQ(summary.left, 0);
  EXPECT_EQ(summary.ending, SweepEnding::complete);
  const std::vector<Record> records = bench.store.list();
  ASSERT_EQ(records.size(), 20u);
  bool shuffled = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    shuffled = shuffled || m_of(record.op) != static_cast<std::int64_t>(i) + 1;
    EXPECT_NEAR(record.measurement.median_s, 1e-6 * double(m_of(record.op)), 1e-12);
    EXPECT_EQ(record.samples, static_cast<std::int64_t>(record.measurement.samples_s.size()));
    EXPECT_EQ(record.error, 0.5);
    EXPECT_STREQ(record.algorithm.key, "first");
    EXPECT_STREQ(record.device.products, "fakeLt 1.0.0");
    EXPECT_EQ(record.command, "gemmetry measure gemm");
    EXPECT_EQ(record.time.size(), 20u);
  }
  EXPECT_TRUE(shuffled);
  EXPECT_EQ(bench.backend.plans, 0);
  EXPECT_EQ(bench.backend.allocated_bytes, 0);
}

TEST(Sweep, ResumesWithWhatIsMissing) {
  Bench bench;
  std::int64_t asked = 0;
  bench.options.stop = [&] { return ++asked > 7; };
  const SweepSummary first = bench.run(products(20));
  EXPECT_EQ(first.ending, SweepEnding::stopped);
  EXPECT_EQ(first.ok, 7);
  EXPECT_EQ(first.left, 13);
  bench.options.stop = nullptr;
  const SweepSummary second = bench.run(products(20));
  EXPECT_EQ(second.present, 7);
  EXPECT_EQ(second.ok, 13);
  EXPECT_EQ(bench.store.count(), 20);
  EXPECT_EQ(bench.run(products(20)).measured(), 0);
}

TEST(Sweep, TakesAreRecordsOfTheirOwn) {
  Bench bench;
  std::int64_t checks = 0;
  bench.measuring.check = [&](Backend& b, const op::Operator& o, const Call& c, std::uint64_t s) {
    ++checks;
    return right(b, o, c, s);
  };
  bench.options.takes = 3;
  EXPECT_EQ(bench.run(products(4)).ok, 12);
  EXPECT_EQ(bench.store.count(), 12);
  EXPECT_EQ(checks, 4);  // one verdict serves all takes
}

TEST(Sweep, WhatCannotRunIsSkippedWithTheReason) {
  Bench bench;
  bench.backend.refuse = [](const op::Operator& op) {
    return m_of(op) == 2 ? FakeBackend::status(StatusCode::unsupported, "no odd sizes") : Status{};
  };
  std::vector<op::Operator> ops = products(3);
  ops.push_back(op::Gemm{.m = 1 << 20, .n = 1 << 20, .k = 1 << 10});
  const SweepSummary summary = bench.run(ops);
  EXPECT_EQ(summary.ok, 2);
  EXPECT_EQ(summary.skipped, 2);
  for (const Record& record : bench.store.list({.status = RecordStatus::skipped}))
    EXPECT_EQ(record.reason, m_of(record.op) == 2 ? "no odd sizes" : "fake memory is full");
  bench.options.retry = true;  // is for what failed
  EXPECT_EQ(bench.run(ops).present, 4);
}

TEST(Sweep, WrongResultsFailAndAreTriedAgainWhenAsked) {
  Bench bench;
  bench.measuring.check = [](Backend& b, const op::Operator& o, const Call& c, std::uint64_t s) {
    if (m_of(o) == 1) return Verdict{.error = 3, .message = "c[0,0] is 1, not 2"};
    return right(b, o, c, s);
  };
  EXPECT_EQ(bench.run(products(3)).failed, 1);
  const Record failed = bench.store.list({.status = RecordStatus::failed}).at(0);
  EXPECT_EQ(failed.reason, "fake first: wrong result: c[0,0] is 1, not 2");
  EXPECT_EQ(failed.error, 3);
  EXPECT_EQ(failed.samples, 0);
  EXPECT_EQ(bench.run(products(3)).present, 3);
  bench.measuring.check = right;
  bench.options.retry = true;
  const SweepSummary again = bench.run(products(3));
  EXPECT_EQ(again.present, 2);
  EXPECT_EQ(again.ok, 1);
}

TEST(Sweep, AWrongFirstChoiceIsPassedOverForTheNextRightOne) {
  Bench bench;
  for (const char* key : {"second", "third"}) bench.backend.menu.push_back(FakeBackend::algorithm(key));
  bench.measuring.check = [](Backend& b, const op::Operator& o, const Call& c, std::uint64_t s) {
    if (std::string_view(c.plan->algorithm().key) != "third")
      return Verdict{.error = 3, .message = "c[0,0] is 1, not 2"};
    return right(b, o, c, s);
  };
  bench.options.takes = 2;
  EXPECT_EQ(bench.run(products(3)).ok, 6);
  for (const Record& record : bench.store.list()) {
    EXPECT_STREQ(record.algorithm.key, "third");
    EXPECT_EQ(record.reason, "passed over fake first: wrong result: c[0,0] is 1, not 2");
    EXPECT_EQ(record.error, 0.5);
  }
}

TEST(Sweep, ResultsFasterThanTheHardwareAreUntrusted) {
  Bench bench;
  set_text(bench.backend.device.gpu, "h200");
  bench.backend.seconds = [](const op::Operator&, const AlgorithmInfo&) { return 1e-6; };
  EXPECT_EQ(bench.run({op::Gemm{.m = 4096, .n = 4096, .k = 512}}).untrusted, 1);
  EXPECT_FALSE(bench.store.list().at(0).reason.empty());
}

TEST(Sweep, ALostDeviceEndsItWithEverythingStored) {
  Bench bench;
  bench.backend.fail_at("time", 40, StatusCode::device_lost);
  const std::string error = error_of([&] { bench.run(products(50)); });
  EXPECT_NE(error.find("the device was lost at gemm "), std::string::npos) << error;
  EXPECT_NE(error.find("run the same command again"), std::string::npos) << error;
  const std::int64_t stored = bench.store.count();
  EXPECT_GE(stored, 1);
  EXPECT_EQ(bench.store.count({.status = RecordStatus::failed}), 1);

  Bench next;  // the device of a new process
  Measurer measurer(next.backend, next.monitor, next.measuring);
  const SweepSummary summary = sweep(measurer, bench.store, products(50), next.options);
  EXPECT_EQ(summary.present, stored);
  EXPECT_EQ(summary.ok, 50 - stored);
}

TEST(Sweep, EveryFailureOfTheBackendIsARecord) {
  for (const char* function : {"plan", "allocate", "fill", "record", "time"})
    for (std::int64_t nth = 1; nth <= 3; ++nth)
      for (const StatusCode code : {StatusCode::unsupported, StatusCode::out_of_memory, StatusCode::failed}) {
        Bench bench;
        bench.backend.fail_at(function, nth, code);
        const SweepSummary summary = bench.run(products(3));
        EXPECT_EQ(summary.measured(), 3) << function << nth;
        EXPECT_EQ(bench.store.count(), 3) << function << nth;
        EXPECT_EQ(bench.backend.plans, 0) << function << nth;
        EXPECT_EQ(bench.backend.allocated_bytes, 0) << function << nth;
        EXPECT_EQ(bench.backend.recordings, 0) << function << nth;
      }
}

TEST(Sweep, KeepsItsTimeBudget) {
  const auto slow = [](const op::Operator&, const AlgorithmInfo&) { return 0.01; };
  Bench one;
  one.backend.seconds = slow;
  const double one_s = one.run(products(1)).elapsed_s;
  Bench bench;
  bench.backend.seconds = slow;
  bench.options.time_budget_s = 3;
  const double before_s = bench.backend.clock.now_s();
  const SweepSummary summary = bench.run(products(100));
  EXPECT_EQ(summary.ending, SweepEnding::time_budget);
  EXPECT_GT(summary.ok, 0);
  EXPECT_EQ(summary.ok + summary.left, 100);
  EXPECT_LT(bench.backend.clock.now_s() - before_s, 3 + 1.1 * one_s);
}

TEST(Sweep, TellsHowFarItIs) {
  Bench bench;
  std::vector<SweepProgress> told;
  bench.options.progress = [&](const SweepProgress& progress) { told.push_back(progress); };
  bench.run(products(5));
  ASSERT_EQ(told.size(), 6u);
  EXPECT_FALSE(told.front().time_left_s);
  EXPECT_TRUE(told.front().current.starts_with("gemm "));
  EXPECT_GT(told[1].time_left_s.value(), told[4].time_left_s.value());
  EXPECT_EQ(told.back().done, 5);
  EXPECT_EQ(told.back().current, "");
  EXPECT_EQ(told.back().time_left_s, 0);
}

TEST(Sweep, TheReferenceShowsTheDrift) {
  Bench bench;
  bench.backend.seconds = [](const op::Operator&, const AlgorithmInfo&) { return 1e-3; };
  bench.backend.drift = 0.01;
  bench.options.reference = op::Gemm{.m = 64, .n = 64, .k = 64};
  const SweepSummary summary = bench.run(products(30));
  ASSERT_TRUE(summary.noise);
  EXPECT_GT(summary.noise->difference().value(), 0);
  EXPECT_NEAR(summary.noise->difference().value(), 0.01 * summary.elapsed_s, 0.005 * summary.elapsed_s);
  EXPECT_EQ(bench.store.count(), 30);  // it is no record

  bench.backend.refuse = [](const op::Operator& op) {
    return m_of(op) == 64 ? FakeBackend::status(StatusCode::unsupported, "not that one") : Status{};
  };
  const SweepSummary without = bench.run(products(31));
  EXPECT_FALSE(without.noise);
  EXPECT_EQ(without.noise_reason, "not that one");
  EXPECT_EQ(without.ok, 1);
}

TEST(Sweep, LeavesWhatAnotherProcessIsAt) {
  Bench bench;
  Process other = Process::self();
  other.id = 1;
  other.start = 0;
  RecordStore theirs(bench.store.path(), Access::write, other);
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  ASSERT_TRUE(theirs.claim(identity(measurer.blank(products(3)[1]))));
  const SweepSummary summary = bench.run(products(3));
  EXPECT_EQ(summary.ok, 2);
  EXPECT_EQ(summary.elsewhere, 1);
  EXPECT_EQ(summary.left, 0);
}

TEST(Sweep, TunedAlgorithmsAreUsedWhereTheyStillAre) {
  Bench bench;
  bench.backend.menu.push_back(FakeBackend::algorithm("best"));
  bench.measuring.setting.policy = Policy::tuned;
  bench.measuring.tuned = [](const op::Operator& op) {
    const char* keys[] = {"best", "gone", ""};
    return std::string(keys[m_of(op) - 1]);
  };
  EXPECT_EQ(bench.run(products(3)).ok, 3);
  for (const Record& record : bench.store.list())
    EXPECT_STREQ(record.algorithm.key, m_of(record.op) == 1 ? "best" : "first");
}

TEST(Sweep, OfNothingIsNothing) {
  Bench bench;
  bench.options.reference = op::Gemm{.m = 64, .n = 64, .k = 64};
  const SweepSummary summary = bench.run({});
  EXPECT_EQ(summary.total, 0);
  EXPECT_FALSE(summary.noise);
  EXPECT_EQ(bench.backend.calls["time"], 0);
}

}  // namespace
}  // namespace gemmetry::measure
