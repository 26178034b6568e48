#include "gemmetry/predict/features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "predict/made_up.h"

namespace gemmetry::predict {
namespace {

using shape::Dtype;

const Predictor& predictor() {
  static const Predictor h200 = test::burst("h200");
  return h200;
}

std::map<std::string, float> features_of(const op::Operator& op) {
  const std::vector<float> values = predictor().features(op);
  const auto names = feature_names(op);
  EXPECT_EQ(values.size(), names.size());
  std::map<std::string, float> named;
  for (std::size_t i = 0; i < names.size(); ++i) named[std::string(names[i])] = values[i];
  return named;
}

TEST(Features, EachKindHasItsResidual) {
  EXPECT_EQ(residual_of(op::Gemm{1, 8, 8, 8}), "gemm");
  EXPECT_EQ(residual_of(op::Attention{1, 512, 512, 8, 8}), "attention");
  EXPECT_EQ(residual_of(op::Attention{1, 512, 512, 8, 8, 64, 64, 0, true, true}), "attention_backward");
  EXPECT_EQ(residual_of(op::Attention{1, 1, 512, 8, 8}), "decode");
  EXPECT_EQ(residual_of(op::Norm{8, 8}), "row_wise");
  EXPECT_EQ(residual_of(op::GroupedGemm{2, 8, 8, 8}), "");
  EXPECT_EQ(residual_of(op::Collective{}), "");
  EXPECT_TRUE(feature_names("gem").empty());
}

TEST(Features, NamesAreDistinct) {
  for (const std::string_view residual : residual_names()) {
    const auto names = feature_names(residual);
    EXPECT_GT(names.size(), 10U);
    EXPECT_LE(names.size(), most_features);
    EXPECT_EQ(std::set<std::string_view>(names.begin(), names.end()).size(), names.size()) << residual;
  }
}

TEST(Features, OfAProduct) {
  auto x = features_of(op::Gemm{4, 128, 320, 4096, Dtype::bf16, op::Layout::nn});
  EXPECT_FLOAT_EQ(x["log2_batch"], 2);
  EXPECT_FLOAT_EQ(x["log2_m"], 7);
  EXPECT_FLOAT_EQ(x["log2_k"], 12);
  EXPECT_NEAR(x["log2_flop"], std::log2(2.0 * 4 * 128 * 320 * 4096), 1e-4);
  EXPECT_FLOAT_EQ(x["layout"], 1);
  EXPECT_FLOAT_EQ(x["n_power"], 6);      // 320 = 5 x 64
  EXPECT_FLOAT_EQ(x["k_power"], 8);      // capped
  EXPECT_FLOAT_EQ(x["b_alignment"], 7);  // rows of 320 bf16: 64 x 2 bytes
  EXPECT_FLOAT_EQ(x["n_use_256"], 0.625);
  EXPECT_FLOAT_EQ(x["m_use_192"], 128.0F / 192);
  // 4 x 1 x 2 tiles of 128x256 on 132 SMs.
  EXPECT_FLOAT_EQ(x["fill_128x256"], 8.0F / 132);
  EXPECT_NEAR(x["tensor_share"] + x["memory_share"] + x["fixed_share"], 1, 1e-6);
}

TEST(Features, TellDtypesAndLayoutsApart) {
  std::set<std::vector<float>> seen;
  std::size_t count = 0;
  for (const Dtype dtype : {Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32})
    for (const op::Layout layout : {op::Layout::nt, op::Layout::nn, op::Layout::tn}) {
      seen.insert(predictor().features(op::Gemm{1, 1024, 1024, 1024, dtype, layout}));
      ++count;
    }
  EXPECT_EQ(seen.size(), count);
}

TEST(Features, TellRowWiseKindsApart) {
  std::set<std::vector<float>> seen;
  const std::vector<op::Operator> ops{op::Norm{64, 64},
                                      op::Norm{64, 64, shape::NormKind::rms_norm},
                                      op::Norm{64, 64, shape::NormKind::layer_norm, true},
                                      op::Softmax{64, 64},
                                      op::Softmax{64, 64, false},
                                      op::CrossEntropy{64, 64},
                                      op::Activation{64, 64},
                                      op::Activation{64, 64, shape::Activation::silu},
                                      op::Activation{64, 64, shape::Activation::gelu, true},
                                      op::Residual{64, 64},
                                      op::Residual{64, 64, true},
                                      op::Rotary{64, 4, 16},
                                      op::Rotary{64, 2, 32},
                                      op::Embedding{64, 64},
                                      op::Optimizer{64},
                                      op::Pointwise{op::Function::copy, 64},
                                      op::Pointwise{op::Function::copy, 64, 0}};
  for (const op::Operator& op : ops) seen.insert(predictor().features(op));
  EXPECT_EQ(seen.size(), ops.size());
}

TEST(Features, AreFiniteForOddSizes) {
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{7}, std::int64_t{1000003}, std::int64_t{1} << 40})
    for (const op::Operator& op :
         {op::Operator(op::Gemm{1, n, n, n}), op::Operator(op::Gemm{n, 1, 1, n, Dtype::fp8, op::Layout::tn}),
          op::Operator(op::Attention{1, n, n, 8, 2}), op::Operator(op::Attention{n, 1, 4 * n, 1, 1, 1, 1, n}),
          op::Operator(op::Norm{n, n}), op::Operator(op::Pointwise{op::Function::copy, n, 0, 0})})
      for (const float value : predictor().features(op)) EXPECT_TRUE(std::isfinite(value)) << op::kind(op) << " " << n;
}

}  // namespace
}  // namespace gemmetry::predict
