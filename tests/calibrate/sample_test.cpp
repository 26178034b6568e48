#include "gemmetry/calibrate/sample.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "gemmetry/measure/site.h"

namespace gemmetry::calibrate {
namespace {

measure::Record record(std::int64_t m, const char* gpu = "h200") {
  measure::Record record{.op = op::Gemm{.m = m, .n = 4096, .k = 4096}};
  record.measurement.median_s = 1e-5;
  std::snprintf(record.device.gpu, sizeof record.device.gpu, "%s", gpu);
  return record;
}

TEST(Samples, LeaveOutWhatNoPredictionIsHeldAgainst) {
  std::vector<measure::Record> records{record(1), record(2), record(1), record(3, "h100"), record(4, "")};
  records.push_back(record(5));
  records.back().status = measure::RecordStatus::untrusted;
  records.push_back(record(6));
  records.back().setting.policy = measure::Policy::tuned;
  records.push_back(record(7));
  records.back().setting.warm = true;
  records.push_back(record(8));
  records.back().measurement.median_s = 0;
  records.push_back(record(1));
  records.back().setting.clocks = gpu::Clocks::sustained;
  records.push_back(record(9, ""));
  std::snprintf(records.back().device.backend, sizeof records.back().device.backend, "cpu");
  const Samples samples = samples_of(records, "h200");
  ASSERT_EQ(samples.all.size(), 4u);
  EXPECT_EQ(samples.count.used, 4u);
  EXPECT_EQ(samples.count.again, 1u);
  EXPECT_EQ(samples.count.other_gpu, 2u);
  EXPECT_EQ(samples.count.not_ok, 2u);
  EXPECT_EQ(samples.count.other_way, 2u);
  EXPECT_EQ(samples.all.back().how.clocks, gpu::Clocks::sustained);
  for (const Sample& sample : samples.all) EXPECT_EQ(sample.held_out, measure::is_held_out(sample.op));
}

}  // namespace
}  // namespace gemmetry::calibrate
