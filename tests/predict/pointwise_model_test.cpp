#include "gemmetry/predict/pointwise_model.h"

#include <gtest/gtest.h>

#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

PointwiseModel model() {
  gpu::Calibration calibration = test::round_calibration();
  calibration.pointwise = {.streaming = 0.8,
                           .streaming_start_s = 1e-6,
                           .norm = 0.5,
                           .norm_start_s = 1e-6,
                           .norm_backward = 0.4,
                           .norm_backward_start_s = 5e-6,
                           .softmax = 0.5,
                           .softmax_start_s = 1e-6,
                           .embedding = 0.2};
  return PointwiseModel(test::round_gpu(), calibration);
}

TEST(PointwiseModel, BytesOverBandwidthByKind) {
  // 1000 x 1000 elements of 2 bytes, read and written: 4 MB at 1 TB/s.
  EXPECT_NEAR(model().estimate(op::Norm{1000, 1000}).time_s, 2e-6 + 1e-6 + 4e-6 / 0.5, 1e-12);
  EXPECT_NEAR(model().estimate(op::Softmax{1000, 1000}).time_s, 3e-6 + 4e-6 / 0.5, 1e-12);
  EXPECT_NEAR(model().estimate(op::Activation{1000, 1000}).time_s, 3e-6 + 4e-6 / 0.8, 1e-12);
  EXPECT_NEAR(model().estimate(op::Residual{1000, 1000}).time_s, 3e-6 + 6e-6 / 0.8, 1e-12);
  EXPECT_NEAR(model().estimate(op::Pointwise{op::Function::cast, 1'000'000, 2, 4}).time_s, 3e-6 + 6e-6 / 0.8, 1e-12);
  op::Norm backward{1000, 1000};
  backward.backward = true;
  EXPECT_NEAR(model().estimate(backward).memory_time_s, op::bytes(backward) / 0.4e12, 1e-12);
  EXPECT_NEAR(model().estimate(backward).fixed_time_s, 2e-6 + 5e-6, 1e-12);
  EXPECT_NEAR(model().estimate(op::Embedding{1000, 1000}).memory_time_s, op::bytes(op::Embedding{1000, 1000}) / 0.2e12,
              1e-12);
}

TEST(PointwiseModel, SmallKernelsAreLaunchBound) {
  EXPECT_EQ(model().estimate(op::Norm{1, 1000}).bound, op::Bound::launch);
  EXPECT_EQ(model().estimate(op::Norm{100'000, 1000}).bound, op::Bound::memory);
}

}  // namespace
}  // namespace gemmetry::predict
