#include "gemmetry/measure/measured_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "gemmetry/measure/sweep.h"
#include "measure/fake_backend.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

Verdict right(Backend&, const op::Operator&, const Call&, std::uint64_t) { return {.right = true}; }

const op::Gemm square{.m = 128, .n = 128, .k = 128};

struct Bench {
  Scratch folder;
  FakeBackend backend;
  ClockMonitor monitor{std::string()};
  Measuring measuring;
  RecordStore store{folder.path("records.db")};

  Bench() {
    measuring.check = right;
    measuring.clock = &backend.clock;
    measuring.tool = "0.1.0";
  }
};

template <class Call>
std::string no_measurement(const Call& call) {
  try {
    call();
  } catch (const NoMeasurement& problem) {
    return problem.what();
  }
  return "";
}

TEST(MeasuredModel, MeasuresOnceAndStores) {
  Bench bench;
  bench.backend.noise = 0.02;
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  const MeasuredModel model(measurer, bench.store);
  const op::Cost cost = model.cost(square);
  EXPECT_NEAR(cost.time_s, 10e-6, 0.2e-6);
  EXPECT_EQ(cost.origin, op::Origin::measured);
  EXPECT_EQ(cost.flop, op::flop(square));
  EXPECT_EQ(cost.bytes, op::bytes(square));
  EXPECT_EQ(cost.error.shared, 0.003);
  const Record record = bench.store.list().at(0);
  EXPECT_EQ(cost.error.independent, record.measurement.precision / op::normal_90);
  EXPECT_GT(cost.error.independent, 0);
  EXPECT_EQ(model.reason(square), "fake first");
  EXPECT_NE(model.source().find("Fake GPU"), std::string::npos);
  EXPECT_NE(model.source().find("burst"), std::string::npos);

  const std::int64_t timed = bench.backend.calls["time"];
  EXPECT_EQ(model.cost(square).time_s, cost.time_s);
  const MeasuredModel later(measurer, bench.store);
  EXPECT_EQ(later.cost(square).time_s, cost.time_s);
  EXPECT_EQ(bench.backend.calls["time"], timed);
}

TEST(MeasuredModel, SaysWhyThereIsNoTime) {
  Bench bench;
  bench.backend.refuse = [](const op::Operator&) { return FakeBackend::status(StatusCode::unsupported, "cannot"); };
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  const MeasuredModel model(measurer, bench.store);
  const std::string why = no_measurement([&] { model.cost(square); });
  EXPECT_NE(why.find("gemm batch=1 m=128"), std::string::npos) << why;
  EXPECT_NE(why.find("is skipped: cannot"), std::string::npos) << why;
  EXPECT_EQ(no_measurement([&] { model.reason(square); }), why);
}

TEST(MeasuredModel, Fp8ProductsRunAsNtWhereTheyMust) {
  Bench bench;
  bench.backend.refuse = [](const op::Operator& op) {
    const auto* gemm = std::get_if<op::Gemm>(&op);
    const bool other = !gemm || gemm->layout != op::Layout::nt;
    return other ? FakeBackend::status(StatusCode::unsupported, "nt alone") : Status{};
  };
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  const MeasuredModel model(measurer, bench.store);
  op::Gemm gemm = square;
  gemm.dtype = shape::Dtype::fp8;
  gemm.layout = op::Layout::tn;
  EXPECT_NEAR(model.cost(gemm).time_s, 10e-6, 1e-9);
  EXPECT_NE(model.reason(gemm).find("nt"), std::string::npos);
  EXPECT_EQ(bench.store.count({.status = RecordStatus::skipped}), 1);
  gemm.dtype = shape::Dtype::bf16;  // is never stored another way
  EXPECT_NE(no_measurement([&] { model.cost(gemm); }), "");
  const op::GroupedGemm gradient{
      .experts = 2, .rows = 64, .n = 32, .k = 32, .dtype = shape::Dtype::fp8, .layout = op::Layout::tn};
  EXPECT_NE(no_measurement([&] { model.cost(gradient); }), "");
}

TEST(MeasuredModel, ALostDeviceIsNoMissingMeasurement) {
  Bench bench;
  bench.backend.fail_at("time", 1, StatusCode::device_lost);
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  const MeasuredModel model(measurer, bench.store);
  EXPECT_THROW(model.cost(square), DeviceLost);
  EXPECT_THROW(model.cost(op::Gemm{.m = 1, .n = 1, .k = 1}), DeviceLost);
  EXPECT_EQ(bench.store.count(), 1);
}

TEST(MeasuredModel, AnswersFromRecordsAlone) {
  Bench bench;
  Record record = full_record(op::Gemm{.m = 4096, .n = 4096, .k = 4096});
  record.setting = {};
  record.measurement.median_s = 2e-4;
  record.take = 0;
  bench.store.put(record);
  record.take = 1;
  record.time = "2027-01-01T00:00:00Z";
  record.measurement.median_s = 3e-4;
  bench.store.put(record);
  record.op = op::Gemm{.m = 8, .n = 8, .k = 8};
  record.setting.warm = true;
  bench.store.put(record);

  const MeasuredModel model(bench.store, {});
  EXPECT_EQ(model.cost(op::Gemm{.m = 4096, .n = 4096, .k = 4096}).time_s, 3e-4);
  EXPECT_EQ(model.cost(op::Gemm{.m = 4096, .n = 4096, .k = 4096}).bound, op::Bound::tensor);
  EXPECT_NE(no_measurement([&] { model.cost(record.op); }).find("no record of gemm batch=1 m=8"), std::string::npos);
  EXPECT_EQ(MeasuredModel(bench.store, {"h200", {.warm = true}}).cost(record.op).bound, op::Bound::launch);

  EXPECT_NE(error_of([&] { MeasuredModel(bench.store, {"a100-80gb", {}}); }).find("no record at"), std::string::npos);
  set_text(record.device.gpu, "h100");
  record.setting.warm = false;
  bench.store.put(record);
  EXPECT_NE(error_of([&] { MeasuredModel(bench.store, {}); }).find("several GPUs"), std::string::npos);
  EXPECT_NO_THROW(MeasuredModel(bench.store, {"h200", {}}));
}

TEST(MeasuredModel, AnOlderSuccessBeatsALaterFailure) {
  Bench bench;
  Record record = full_record(square);
  record.setting = {};
  bench.store.put(record);
  record.take = 5;
  record.status = RecordStatus::failed;
  record.time = "2030-01-01T00:00:00Z";
  bench.store.put(record);
  EXPECT_GT(MeasuredModel(bench.store, {}).cost(square).time_s, 0);
}

TEST(MeasuredModel, ServesSeveralThreads) {
  Bench bench;
  Measurer measurer(bench.backend, bench.monitor, bench.measuring);
  const MeasuredModel model(measurer, bench.store);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (std::int64_t m = 1; m <= 8; ++m) EXPECT_GT(model.cost(op::Gemm{.m = m, .n = 8, .k = 8}).time_s, 0);
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(bench.store.count(), 8);
}

}  // namespace
}  // namespace gemmetry::measure
