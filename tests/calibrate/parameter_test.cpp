#include "gemmetry/calibrate/parameter.h"

#include <gtest/gtest.h>

#include "calibrate/made_up.h"
#include "gemmetry/base/error.h"

namespace gemmetry::calibrate {
namespace {

TEST(Parameters, AreEveryCoefficientOfAGroupInItsRange) {
  gpu::Calibration calibration = structured("h200");
  calibration.power = gpu::PowerCoefficients{.idle_w = 100, .busy_w = 80, .tensor_w = 500, .memory_w = 200};
  for (const Group group : all_groups()) {
    EXPECT_EQ(group_from_name(name(group)), group);
    for (const Parameter& parameter : parameters_of(group, calibration)) {
      EXPECT_LT(parameter.range.low, parameter.range.high) << parameter.name;
      EXPECT_GE(parameter.get(calibration), parameter.range.low) << parameter.name;
      EXPECT_LE(parameter.get(calibration), parameter.range.high) << parameter.name;
      gpu::Calibration moved = calibration;
      parameter.set(moved, parameter.range.high);
      EXPECT_EQ(parameter.get(moved), parameter.range.high) << parameter.name;
    }
  }
  EXPECT_EQ(parameters_of(Group::gemm, calibration).size(), gpu::GemmCoefficients::fields().size());
  EXPECT_THROW(group_from_name("gem"), Error);
}

TEST(Parameters, OperatorsBelongToTheGroupTheirTimeDependsOn) {
  const gpu::Gpu gpu = gpu::load_gpu("h200");
  const predict::Predictor predictor(gpu, gpu::usual_node(gpu), structured("h200"), in_burst);
  const auto group = [&](const op::Operator& op) {
    const Group* found = group_of(op, predictor);
    return found == nullptr ? std::string_view("none") : name(*found);
  };
  EXPECT_EQ(group(op::Gemm{.m = 512, .n = 512, .k = 512}), "gemm");
  EXPECT_EQ(group(op::Gemm{.m = 512, .n = 511, .k = 512}), "misaligned_gemm");
  EXPECT_EQ(group(op::Gemm{.m = 512, .n = 512, .k = 512, .dtype = op::Dtype::fp32}), "misaligned_gemm");
  EXPECT_EQ(group(op::Attention{.queries = 512, .keys = 512}), "attention");
  EXPECT_EQ(group(op::Attention{.queries = 1, .keys = 512}), "decode");
  EXPECT_EQ(group(op::Norm{.rows = 8, .width = 512}), "pointwise");
  EXPECT_EQ(group(op::Collective{.ranks = 8, .size_bytes = 1e6}), "none");
}

}  // namespace
}  // namespace gemmetry::calibrate
