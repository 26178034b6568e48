#include "gemmetry/measure/hardware_limit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {
namespace {

using shape::Dtype;

gpu::Gpu made_up() {
  gpu::Gpu gpu;
  gpu.name = "made-up";
  gpu.boost_clock_hz = 1e9;
  gpu.tensor_flops = {{Dtype::bf16, 1e14}};
  gpu.vector_flops = 1e13;
  gpu.bandwidth = 1e12;
  gpu.l2_bytes = 10e6;
  return gpu;
}

Measurement taking(double median_s) {
  Measurement measurement;
  measurement.median_s = median_s;
  return measurement;
}

double least(const op::Operator& op, double clock_hz = 0) {
  const gpu::Gpu gpu = made_up();
  return least_time_s(op, &gpu, clock_hz).value();
}

TEST(HardwareLimit, OfAProductByItsFlop) {
  EXPECT_DOUBLE_EQ(least(op::Gemm{1, 4096, 4096, 4096}), 2.0 * 4096 * 4096 * 4096 / 1e14);
  EXPECT_DOUBLE_EQ(least(op::Gemm{1, 4096, 4096, 4096, Dtype::fp32}), 2.0 * 4096 * 4096 * 4096 / 1e13);
}

TEST(HardwareLimit, RisesWithTheClockButNotBelowTheDatasheets) {
  const op::Gemm product{1, 4096, 4096, 4096};
  EXPECT_DOUBLE_EQ(least(product, 2e9), least(product) / 2);
  EXPECT_DOUBLE_EQ(least(product, 0.5e9), least(product));
}

TEST(HardwareLimit, OfAThinProductByItsBytesWithoutTheCache) {
  EXPECT_DOUBLE_EQ(least(op::Gemm{1, 1, 8192, 8192}), (8192.0 * 8192 * 2 + 2 * 8192 * 2 - 10e6) / 1e12);
}

TEST(HardwareLimit, NoFloorForWhatFitsTheCache) { EXPECT_EQ(least(op::Norm{1024, 1024}), 0); }

TEST(HardwareLimit, NoFlopFloorWhereTheDatasheetHasNoPeak) {
  EXPECT_EQ(least(op::Gemm{1, 1024, 1024, 1024, Dtype::fp8}), 0);
}

TEST(HardwareLimit, AnEmbeddingsRowsAreReadOnce) {
  op::Embedding embedding;
  embedding.tokens = 1 << 20;
  embedding.width = 1024;
  // Every row of the table is looked up, and read once: 64 MiB; 2 GiB are written.
  const double written = 2048.0 * (1 << 20);
  EXPECT_NEAR(least(embedding), (written + 2048.0 * embedding_rows + 4.0 * (1 << 20) - 10e6) / 1e12, 1e-9);
  embedding.positions = true;
  EXPECT_NEAR(least(embedding),
              (written + 2048.0 * (embedding_rows + embedding_positions) + 4.0 * (1 << 20) - 10e6) / 1e12, 1e-9);
}

TEST(HardwareLimit, FewTokensReadFewRows) {
  op::Embedding embedding;
  embedding.tokens = 2000;
  embedding.width = 16384;
  EXPECT_NEAR(least(embedding), (2 * 2000.0 * 32768 - 10e6) / 1e12, 0.03 * 2 * 2000.0 * 32768 / 1e12);
}

TEST(HardwareLimit, MaskedScoresNeedNotBeRead) {
  const op::Softmax masked{16 * 4096, 4096};
  op::Softmax plain = masked;
  plain.masked = false;
  const double scores = 16 * 4096.0 * 4096 * 2;
  EXPECT_NEAR(least(plain), (2 * scores - 10e6) / 1e12, 1e-9);
  EXPECT_NEAR(least(masked), (1.5 * scores - 10e6) / 1e12, 1e-6);
}

TEST(HardwareLimit, UnknownGpuAndCollectivesHaveNone) {
  const gpu::Gpu gpu = made_up();
  EXPECT_FALSE(least_time_s(op::Gemm{1, 8, 8, 8}, nullptr));
  EXPECT_FALSE(least_time_s(op::Collective{}, &gpu));
  EXPECT_EQ(distrust(op::Gemm{1, 4096, 4096, 4096}, taking(1e-9), nullptr), "");
  EXPECT_EQ(distrust(op::Collective{}, taking(1e-9), &gpu), "");
}

TEST(HardwareLimit, DistrustsWhatIsFasterByMoreThanTheTolerance) {
  const gpu::Gpu gpu = made_up();
  const op::Gemm product{1, 4096, 4096, 4096};
  const double floor = least(product);
  EXPECT_EQ(distrust(product, taking(floor), &gpu), "");
  EXPECT_EQ(distrust(product, taking(0.985 * floor), &gpu), "");
  EXPECT_EQ(distrust(product, taking(0.97 * floor), &gpu),
            "0.001333 s is less than the 0.001374 s that 'made-up' needs for 1.374e+11 FLOP at its peak");
  Measurement faster_clock = taking(0.97 * floor);
  faster_clock.clocks.clock_mhz = 1100;
  EXPECT_EQ(distrust(product, faster_clock, &gpu), "");
  EXPECT_NE(distrust(op::Norm{1 << 20, 1024}, taking(1e-3), &gpu).find("bytes"), std::string::npos);
}

TEST(HardwareLimit, NoTimeIsNoResult) {
  const gpu::Gpu gpu = made_up();
  for (const double time_s : {0.0, -1e-6, std::nan(""), HUGE_VAL}) {
    EXPECT_NE(distrust(op::Norm{8, 8}, taking(time_s), &gpu), "") << time_s;
    EXPECT_NE(distrust(op::Norm{8, 8}, taking(time_s), nullptr), "") << time_s;
  }
}

TEST(HardwareLimit, NothingToDoTakesNoTimeButIsNoError) {
  EXPECT_EQ(least(op::Gemm{1, 0, 0, 0}), 0);
  EXPECT_EQ(least(op::Softmax{0, 0}), 0);
  EXPECT_EQ(least(op::Embedding{}), 0);
}

TEST(HardwareLimit, BelievesWhatTheH200Does) {
  // 842 TFLOP/s in a burst, and 4.3 TB/s of copying.
  const gpu::Gpu h200 = gpu::load_gpu("h200");
  const op::Gemm product{1, 8192, 8192, 8192};
  EXPECT_EQ(distrust(product, taking(op::flop(product) / 842e12), &h200), "");
  EXPECT_NE(distrust(product, taking(op::flop(product) / 1030e12), &h200), "");
  EXPECT_EQ(distrust(product, taking(op::flop(product) / 1030e12), &h200, 1980e6), "");
  const op::Residual residual{65536, 8192};
  EXPECT_EQ(distrust(residual, taking(op::bytes(residual) / 4.3e12), &h200), "");
  EXPECT_NE(distrust(residual, taking(op::bytes(residual) / 5.2e12), &h200), "");
}

}  // namespace
}  // namespace gemmetry::measure
