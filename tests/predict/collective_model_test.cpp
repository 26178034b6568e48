#include "gemmetry/predict/collective_model.h"

#include <gtest/gtest.h>

#include "gemmetry/gpu/catalogue.h"
#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using op::Collective;
using op::CollectiveKind;
using op::Span;

CollectiveModel model() {
  gpu::Calibration calibration = test::round_calibration();
  calibration.collective = {3e-6, 0, 0.4, 0.5, 0.8, 0.8, 1};
  return CollectiveModel(test::round_gpu(), test::round_node(), calibration);
}

TEST(CollectiveModel, RingsByHand) {
  // 4 ranks, 100 MB: 2 x 3/4 x 100 MB at half of 100 GB/s, six steps of 1 us, 3 us to start, 2 us to launch.
  EXPECT_NEAR(model().estimate(Collective{CollectiveKind::all_reduce, 4, 100e6}).time_s, 3e-3 + 11e-6, 1e-9);
  // Two of the four have no help from the switches: 100 MB at 0.4 of the links, two steps.
  EXPECT_NEAR(model().estimate(Collective{CollectiveKind::all_reduce, 2, 100e6}).time_s, 2.5e-3 + 7e-6, 1e-9);
  EXPECT_NEAR(model().estimate(Collective{CollectiveKind::all_gather, 4, 100e6}).time_s, 75e6 / 80e9 + 8e-6, 1e-9);
  EXPECT_NEAR(model().estimate(Collective{CollectiveKind::send, 2, 100e6}).time_s, 1e-3 + 6e-6, 1e-9);
}

TEST(CollectiveModel, BetweenNodesEachGpuHasItsShare) {
  // 40 GB/s of the node over 4 GPUs.
  const Collective reduce{CollectiveKind::reduce_scatter, 8, 80e6, Span::network};
  EXPECT_NEAR(model().estimate(reduce).time_s, 70e6 / (0.8 * 10e9) + 7 * 10e-6 + 5e-6, 1e-9);
}

TEST(CollectiveModel, BoundByLatencyOrByTheLinks) {
  EXPECT_EQ(model().estimate(Collective{CollectiveKind::all_reduce, 4, 1024}).bound, op::Bound::launch);
  EXPECT_EQ(model().estimate(Collective{CollectiveKind::all_reduce, 4, 1e9}).bound, op::Bound::network);
}

TEST(CollectiveLeads, PublishedNcclTablesOfH200) {
  // NVIDIA aiconfigurator's tables: all-reduce of 512 MiB over 8 GPUs 2040 us, of 512 B over 2 GPUs 6.0 us,
  // all-gather of 16 MiB over 8 GPUs 67 us.
  const Predictor h200 = test::burst("h200");
  const auto time = [&](CollectiveKind kind, std::int64_t ranks, double bytes) {
    return h200.cost(Collective{kind, ranks, bytes}).time_s;
  };
  EXPECT_NEAR(time(CollectiveKind::all_reduce, 8, 536870912), 2040e-6, 0.15 * 2040e-6);
  EXPECT_NEAR(time(CollectiveKind::all_reduce, 2, 512), 6.0e-6, 1.2e-6);
  EXPECT_NEAR(time(CollectiveKind::all_gather, 8, 16777216), 67e-6, 0.15 * 67e-6);
}

}  // namespace
}  // namespace gemmetry::predict
