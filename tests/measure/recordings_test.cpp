#include "gemmetry/measure/recordings.h"

#include <gtest/gtest.h>

#include "gemmetry/measure/measured_model.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

const op::Gemm square{.m = 128, .n = 128, .k = 128};

Record record(const op::Operator& op, const Setting& setting, double time_s) {
  Record record = full_record(op);
  record.setting = setting;
  record.take = 0;
  record.measurement.median_s = time_s;
  return record;
}

TEST(Recordings, AnswerWhatWasRecordedAtTheSetting) {
  const Setting sustained{.clocks = gpu::Clocks::sustained};
  const Recordings recordings({record(square, {}, 1e-5), record(square, sustained, 2e-5)}, "somewhere");
  ASSERT_NE(recordings.find(square, {}), nullptr);
  EXPECT_EQ(recordings.find(square, {})->measurement.median_s, 1e-5);
  EXPECT_EQ(recordings.find(square, sustained)->measurement.median_s, 2e-5);
  EXPECT_EQ(recordings.find(square, {.warm = true}), nullptr);
  EXPECT_EQ(recordings.find(op::Gemm{.m = 128, .n = 128, .k = 129}, {}), nullptr);
  EXPECT_EQ(recordings.size(), 2u);
  EXPECT_STREQ(recordings.device().gpu, "h200");
}

TEST(Recordings, OfSeveralTheFirstGoodTakeAnswers) {
  Record failed = record(square, {}, 1e-5), first = record(square, {}, 2e-5), second = record(square, {}, 3e-5);
  failed.status = RecordStatus::failed;
  first.take = 1;
  second.take = 2;
  Record later = first;
  later.time = "2027-01-01T00:00:00Z";
  later.measurement.median_s = 4e-5;
  const Recordings recordings({second, later, failed, first}, "somewhere");
  EXPECT_EQ(recordings.find(square, {})->measurement.median_s, 4e-5);
  EXPECT_EQ(recordings.first_time(), first.time);
  EXPECT_EQ(recordings.last_time(), later.time);
}

TEST(Recordings, SayWhatComesNearest) {
  const Setting sustained{.clocks = gpu::Clocks::sustained};
  const Setting far{.clocks = gpu::Clocks::sustained, .policy = Policy::tuned, .warm = true};
  op::Gemm half = square;
  half.m = 256;
  half.dtype = shape::Dtype::fp16;
  const Recordings recordings(
      {record(square, sustained, 1e-5), record(square, far, 1e-5), record(half, sustained, 1e-5)}, "somewhere");
  EXPECT_EQ(recordings.why_missing(square, {}), "recorded with --clocks sustained");
  EXPECT_EQ(recordings.why_missing(square, {.policy = Policy::tuned, .warm = true}),
            "recorded with --clocks sustained");
  EXPECT_EQ(recordings.why_missing(half, {}), "recorded only with --clocks sustained");
  half.dtype = shape::Dtype::bf16;
  EXPECT_EQ(recordings.why_missing(half, {}), "recorded only with --dtype fp16");
  half.m = 257;
  EXPECT_EQ(recordings.why_missing(half, {}), "no record of these sizes");
  EXPECT_EQ(recordings.why_missing(op::Rotary{}, {}), "no record of these sizes");
}

TEST(Recordings, AreOfOneGpu) {
  EXPECT_NE(error_of([] { Recordings({}, "somewhere"); }).find("somewhere: holds no record"), std::string::npos);
  Record other = record(square, {}, 1e-5);
  set_text(other.device.gpu, "h100");
  EXPECT_NE(error_of([&] {
              Recordings({record(square, {}, 1e-5), other}, "there");
            }).find("there: records of several"),
            std::string::npos);
}

TEST(Recordings, StandBehindACostModel) {
  const Recordings recordings({record(square, {}, 1e-5)}, "somewhere");
  const MeasuredModel model(recordings, {});
  EXPECT_EQ(model.cost(square).time_s, 1e-5);
  EXPECT_EQ(model.cost(square).origin, op::Origin::measured);
  EXPECT_NE(model.reason(square).find("cublasLt 66"), std::string::npos);
  EXPECT_NE(model.source().find("records in somewhere"), std::string::npos);
  const auto missing = [&] { model.cost(op::Gemm{.m = 1, .n = 1, .k = 1}); };
  EXPECT_EQ(error_of(missing), "not recorded: no record of these sizes");
  EXPECT_THROW(missing(), NoMeasurement);
}

}  // namespace
}  // namespace gemmetry::measure
