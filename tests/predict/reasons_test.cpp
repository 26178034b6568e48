#include "gemmetry/predict/reasons.h"

#include <gtest/gtest.h>

#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using op::Attention;
using op::Collective;
using op::CollectiveKind;
using op::Gemm;
using op::GroupedGemm;
using op::Layout;
using shape::Dtype;

std::string h200(const op::Operator& op) {
  static const Predictor predictor = test::burst("h200");
  return predictor.reason(op);
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

TEST(Reasons, Numbers) {
  EXPECT_EQ(time_text(2.34e-6), "2.34 us");
  EXPECT_EQ(time_text(12e-6), "12 us");
  EXPECT_EQ(time_text(0.9999e-3), "1 ms");
  EXPECT_EQ(time_text(1.25), "1.25 s");
  EXPECT_EQ(bytes_text(180.4e6), "180 MB");
  EXPECT_EQ(bytes_text(1.07e9), "1.07 GB");
  EXPECT_EQ(bytes_text(12), "12 B");
}

TEST(Reasons, NameTheMisalignedSize) {
  EXPECT_EQ(h200(Gemm{1, 8192, 10922, 4096}),
            "n = 10922 is a multiple of 2 only: tensor cores run at 32 % (8 elements needed)");
  EXPECT_TRUE(has(h200(Gemm{1, 8192, 4096, 10923}), "k = 10923 is odd"));
  EXPECT_TRUE(has(h200(Gemm{1, 2050, 4096, 8192, Dtype::bf16, Layout::tn}), "m = 2050 is a multiple of 2 only"));
  const std::string decode = h200(Gemm{1, 1, 10922, 4096});
  EXPECT_TRUE(has(decode, "memory-bound; n = 10922")) << decode;
}

TEST(Reasons, NameTilesAndWaves) {
  const std::string reason = h200(Gemm{1, 8192, 4096, 4096});
  EXPECT_TRUE(has(reason, " of 132 SMs in ")) << reason;
  EXPECT_TRUE(has(reason, ": tensor-bound")) << reason;
}

TEST(Reasons, NameTheTraffic) {
  EXPECT_TRUE(has(h200(Gemm{1, 1, 22016, 4096}), "reads 180 MB of weights at 4."));
  EXPECT_TRUE(has(h200(Gemm{128, 2048, 64, 2048, Dtype::bf16, Layout::nn}), "moves 1.14 GB at 4."));
  EXPECT_TRUE(has(h200(op::Norm{8192, 4096}), "moves 134 MB at 3."));
  EXPECT_TRUE(has(h200(GroupedGemm{128, 128, 2880, 2880}), "of weights"));
}

TEST(Reasons, NameTheLaunch) {
  const std::string reason = h200(op::Norm{1, 4096});
  EXPECT_TRUE(has(reason, "launch-bound: ")) << reason;
  EXPECT_TRUE(has(reason, " us of ")) << reason;
  const Predictor stream = Predictor::for_gpu("h200", {gpu::Clocks::burst, Launch::stream});
  EXPECT_TRUE(has(stream.reason(op::Norm{1, 512}), "the host launches a kernel every 3.2 us"));
}

TEST(Reasons, NameWhatLimitsAttention) {
  EXPECT_TRUE(has(h200(Attention{4, 2048, 2048, 32, 32, 80, 80}), "head dimension 80 runs as 96"));
  EXPECT_TRUE(has(h200(Attention{64, 1, 8192, 32, 8, 128, 128}), "reads a cache of 2.15 GB"));
}

TEST(Reasons, NameTheLinks) {
  EXPECT_EQ(h200(Collective{CollectiveKind::all_reduce, 8, 536870912}),
            "sends 940 MB over links of 450 GB/s: network-bound");
  EXPECT_TRUE(has(h200(Collective{CollectiveKind::all_reduce, 8, 512}), "14 steps"));
}

TEST(Reasons, AreOneLine) {
  for (const Gemm& gemm : {Gemm{1, 1, 1, 1}, Gemm{1, 64, 64, 65536}, Gemm{1, 512, 512, 512}, Gemm{7, 3, 5, 9}}) {
    const std::string reason = h200(gemm);
    EXPECT_FALSE(reason.empty());
    EXPECT_EQ(reason.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace gemmetry::predict
