#include "gemmetry/predict/predictor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gemmetry/base/error.h"
#include "gemmetry/gpu/catalogue.h"
#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using op::Attention;
using op::Gemm;
using op::Layout;
using shape::Dtype;

std::vector<op::Operator> of_every_kind(std::int64_t n) {
  std::vector<op::Operator> all;
  for (const Layout layout : {Layout::nt, Layout::nn, Layout::tn}) {
    all.push_back(Gemm{1, n, n, n, Dtype::fp16, layout});
    all.push_back(Gemm{n, n, 64, 128, Dtype::fp16, layout});
    all.push_back(op::GroupedGemm{8, n, n, 512, Dtype::fp16, layout});
    all.push_back(op::GroupedGemm{n, n, 64, n, Dtype::fp16, layout});
  }
  all.push_back(Gemm{1, 1, n, n, Dtype::fp32});
  all.push_back(Attention{1, n, n, 8, 2, 64, 64, 0, true, false, Dtype::fp16});
  all.push_back(Attention{n, n, n, n, n, 64, 64, n, false, true, Dtype::fp16});
  all.push_back(Attention{n, 1, n, n, 1, 128, 128, 0, true, false, Dtype::fp16});
  all.push_back(op::Norm{n, n});
  all.push_back(op::Softmax{n, n});
  all.push_back(op::Activation{n, n});
  all.push_back(op::Rotary{n, n, 64});
  all.push_back(op::Residual{n, n});
  all.push_back(op::Embedding{n, n});
  all.push_back(op::CrossEntropy{n, n});
  all.push_back(op::Optimizer{n});
  all.push_back(op::Pointwise{op::Function::copy, n, 2, 2});
  for (const op::CollectiveKind kind : {op::CollectiveKind::all_reduce, op::CollectiveKind::send})
    all.push_back(op::Collective{kind, n, static_cast<double>(n), op::Span::network});
  return all;
}

TEST(Predictor, EveryOperatorOfEverySizeOnEveryGpu) {
  for (const std::string& name : gpu::gpu_names())
    for (const gpu::Clocks clocks : {gpu::Clocks::burst, gpu::Clocks::sustained}) {
      const Predictor predictor = Predictor::for_gpu(name, {clocks, Launch::graph});
      for (const std::int64_t n : {std::int64_t{1}, std::int64_t{7}, std::int64_t{4096}, std::int64_t{1000003},
                                   (std::int64_t{1} << 40) - 1, std::int64_t{1} << 40})
        for (const op::Operator& op : of_every_kind(n)) {
          const op::Cost cost = predictor.cost(op);
          ASSERT_TRUE(std::isfinite(cost.time_s) && cost.time_s > 0) << name << " " << op::kind(op) << " " << n;
          ASSERT_LT(cost.time_low_s(), cost.time_s);
          ASSERT_GT(cost.time_high_s(), cost.time_s);
          ASSERT_TRUE(std::isfinite(cost.time_high_s()));
          ASSERT_FALSE(predictor.reason(op).empty());
          ASSERT_EQ(cost.origin, op::Origin::predicted);
        }
    }
}

/// Products of random sizes, as a fixed seed gives them.
std::vector<Gemm> random_products(int count) {
  std::mt19937_64 random(7);
  const auto size = [&](double high) {
    const double exponent = std::uniform_real_distribution<double>(0, std::log2(high))(random);
    return static_cast<std::int64_t>(std::exp2(exponent));
  };
  std::vector<Gemm> all;
  for (int i = 0; i < count; ++i) {
    const auto layout = static_cast<Layout>(random() % 3);
    const std::int64_t step = random() % 3 == 0 ? 1 : 8;
    all.push_back({random() % 4 == 0 ? size(128) : 1, size(32768) * step, size(8192) * step, size(8192) * step,
                   Dtype::fp16, layout});
  }
  return all;
}

TEST(Predictor, NeverFasterThanTheRoofline) {
  for (const char* name : {"h200", "h100", "a100", "v100", "b200", "l40s", "mi250x", "mi300x"}) {
    const Predictor predictor = test::burst(name);
    const gpu::Gpu& gpu = predictor.gpu();
    for (const Gemm& gemm : random_products(500)) {
      const double time_s = predictor.cost(gemm).time_s;
      EXPECT_GE(time_s, op::flop(gemm) / gpu::peak_flops(gpu, gemm.dtype)) << name;
      // What L2 holds from run to run need not come from memory.
      EXPECT_GE(time_s, (op::bytes(gemm) - gpu.l2_bytes) / gpu.bandwidth) << name;
      EXPECT_GE(time_s, gpu.launch_graph_s);
    }
    for (const std::int64_t s : {128, 1024, 8192}) {
      const Attention attention{4, s, s, 16, 16, 128, 128, 0, true, false, Dtype::fp16};
      EXPECT_GE(predictor.cost(attention).time_s, op::flop(attention) / gpu::peak_flops(gpu, Dtype::fp16)) << name;
      EXPECT_GE(predictor.cost(op::Norm{s, 8192}).time_s, op::bytes(op::Norm{s, 8192}) / gpu.bandwidth) << name;
    }
  }
}

TEST(Predictor, MoreWorkTakesNoLess) {
  // Up to what the choice between splitting k and not splitting it takes; where trees follow records, up to what these
  // fall by from a size to the next (`gemmetry records check`).
  for (const char* name : {"h200", "a100", "v100", "mi250x"}) {
    const Predictor predictor = test::burst(name);
    const double least = predictor.calibration().residuals.empty() ? 0.9 : 0.8;
    for (const Gemm& gemm : random_products(300)) {
      const double time_s = predictor.cost(gemm).time_s;
      for (std::int64_t Gemm::*size : {&Gemm::batch, &Gemm::m, &Gemm::n, &Gemm::k}) {
        Gemm larger = gemm;
        larger.*size *= 2;
        if (size != &Gemm::batch && power_of_two(larger) != power_of_two(gemm)) continue;  // doubling also aligns
        EXPECT_GE(predictor.cost(larger).time_s, least * time_s)
            << name << " " << gemm.batch << " x (" << gemm.m << ", " << gemm.n << ", " << gemm.k << ")";
      }
    }
  }
}

TEST(Predictor, AlignmentNeverHurts) {
  const Predictor h200 = test::burst("h200");
  for (const std::int64_t n : {1022, 4092, 10922, 50257}) {
    const std::int64_t up = (n + 63) / 64 * 64;
    EXPECT_LT(h200.cost(Gemm{1, 8192, up, 4096}).time_s, h200.cost(Gemm{1, 8192, n, 4096}).time_s) << n;
    EXPECT_LT(h200.cost(Gemm{1, 8192, 4096, up}).time_s, h200.cost(Gemm{1, 8192, 4096, n}).time_s) << n;
  }
}

TEST(Predictor, StreamsCannotBeatTheHost) {
  const Predictor graph(test::round_gpu(), test::round_node(), test::round_calibration(),
                        {gpu::Clocks::burst, Launch::graph});
  const Predictor stream(test::round_gpu(), test::round_node(), test::round_calibration(),
                         {gpu::Clocks::burst, Launch::stream});
  const op::Norm small{1, 64};
  EXPECT_NEAR(graph.cost(small).time_s, 2e-6, 1e-8);
  EXPECT_DOUBLE_EQ(stream.cost(small).time_s, 5e-6);
  EXPECT_EQ(stream.cost(small).bound, op::Bound::launch);
  const op::Norm large{100'000, 4096};
  EXPECT_DOUBLE_EQ(stream.cost(large).time_s, graph.cost(large).time_s);
}

TEST(Predictor, CarriesFlopBytesAndErrorsOfTheCalibration) {
  const Predictor predictor(test::round_gpu(), test::round_node(), test::round_calibration(),
                            {gpu::Clocks::burst, Launch::graph});
  const Gemm gemm{1, 1024, 1024, 1024};
  const op::Cost cost = predictor.cost(gemm);
  EXPECT_DOUBLE_EQ(cost.flop, 2.0 * 1024 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(cost.bytes, 3.0 * 1024 * 1024 * 2);
  EXPECT_EQ(cost.error_class, op::ErrorClass::product);
  EXPECT_DOUBLE_EQ(cost.error.shared, 0.03);
  EXPECT_DOUBLE_EQ(cost.error.independent, 0.04);
}

TEST(Predictor, IntervalsWidenWhereLessIsKnown) {
  const Gemm gemm{1, 8192, 4096, 4096};
  const auto shared = [&](const char* name, gpu::Clocks clocks) {
    return Predictor::for_gpu(name, {clocks, Launch::graph}).cost(gemm).error.shared;
  };
  EXPECT_LT(shared("h200", gpu::Clocks::burst), shared("h200", gpu::Clocks::sustained));
  EXPECT_LT(shared("h200", gpu::Clocks::burst), shared("gh200", gpu::Clocks::burst));
  EXPECT_LT(shared("gh200", gpu::Clocks::burst), shared("b200", gpu::Clocks::burst));
  const Predictor h100 = test::burst("h100");
  Gemm fp8 = gemm;
  fp8.dtype = Dtype::fp8;
  EXPECT_GT(h100.cost(fp8).error.shared, h100.cost(gemm).error.shared);
}

TEST(Predictor, EveryErrorClassIsInEveryCalibration) {
  for (const std::string& name : gpu::calibration_names()) {
    const gpu::Calibration calibration = gpu::calibration_for(gpu::load_gpu(name));
    for (int i = 0; i < op::error_classes; ++i)
      EXPECT_TRUE(calibration.errors.contains(std::string(op::name(static_cast<op::ErrorClass>(i)))))
          << name << " " << i;
  }
}

TEST(Predictor, SaysWhatStandsBehindIt) {
  EXPECT_EQ(test::burst("h200").source(), "predicted for h200, burst clocks, graph launches, calibrated on this GPU");
  EXPECT_NE(test::burst("h100-pcie").source().find("calibrated on h100 of the same generation"), std::string::npos);
  EXPECT_NE(test::burst("b200").source().find("borrowed from h200"), std::string::npos);
  EXPECT_THROW(Predictor::for_gpu("h300", {}), Error);
}

TEST(Predictor, UnknownDtypeIsAnErrorThatNamesIt) {
  const Predictor v100 = test::burst("v100");
  try {
    v100.cost(Gemm{1, 64, 64, 64, Dtype::bf16});
    FAIL() << "V100 has no bf16";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bf16"), std::string::npos) << error.what();
  }
  EXPECT_THROW(v100.cost(Attention{1, 64, 64, 1, 1, 64, 64}), Error);
}

TEST(Predictor, IsCopiedWithItsModels) {
  const Predictor original = test::burst("h200");
  const Predictor copy = original;
  const Gemm gemm{1, 300, 4096, 4096};
  EXPECT_EQ(copy.cost(gemm).time_s, original.cost(gemm).time_s);
}

}  // namespace
}  // namespace gemmetry::predict
