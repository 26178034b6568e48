#include "gemmetry/measure/axis.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "measure/records.h"

namespace gemmetry::measure {
namespace {

using Values = std::vector<std::int64_t>;

TEST(AxisValues, EveryForm) {
  EXPECT_EQ(axis_values("m", "4096"), Values{4096});
  EXPECT_EQ(axis_values("m", "2.7e9"), Values{2'700'000'000});
  EXPECT_EQ(axis_values("m", "2^12"), Values{4096});
  EXPECT_EQ(axis_values("m", "1..4"), (Values{1, 2, 3, 4}));
  EXPECT_EQ(axis_values("m", "7..7"), Values{7});
  EXPECT_EQ(axis_values("m", "2^5..2^8"), (Values{32, 64, 128, 256}));
  EXPECT_EQ(axis_values("m", "128:512:128"), (Values{128, 256, 384, 512}));
  EXPECT_EQ(axis_values("m", "1:6:2"), (Values{1, 3, 5}));
  EXPECT_EQ(axis_values("m", " 3, 1..2 ,2^3..2^4,5:7:2 "), (Values{3, 1, 2, 8, 16, 5, 7}));
  EXPECT_EQ(axis_values("window", "0,128", 0), (Values{0, 128}));
  EXPECT_EQ(axis_values("m", "128:32640:128").size(), 255u);
  EXPECT_EQ(axis_values("m", "2^53"), Values{std::int64_t{1} << 53});
}

TEST(AxisValues, AnythingElseNamesTextAndForms) {
  for (const char* text : {"",        "x",
                           "1,,2",    "0",
                           "-3",      "1.5",
                           "8..1",    "1..",
                           "..8",     "1:8",
                           "8:1:1",   "1:8:0",
                           "1:2:3:4", "2^",
                           "2^54",    "2^3..16",
                           "16..2^8", "2^8..2^5",
                           "3^2",     "1...3",
                           "1 2",     "2^5..2^13..2^14"}) {
    const std::string error = error_of([&] { axis_values("k", text); });
    EXPECT_TRUE(error.starts_with(std::string("k = '") + text + "'")) << text << ": " << error;
    EXPECT_NE(error.find("2^5..2^13"), std::string::npos) << text;
  }
}

TEST(AxisValues, AtMostAMillion) {
  EXPECT_EQ(axis_values("m", "1..1000000").size(), 1'000'000u);
  for (const char* text : {"1..1000001", "1..1000000,5", "1:9007199254740992:1"})
    EXPECT_NE(error_of([&] { axis_values("m", text); }).find("more than 1000000 values"), std::string::npos) << text;
}

TEST(Expand, IsTheProductOfTheAxesLastFastest) {
  const std::vector<Axis> axes{{"m", "1,2"}, {"n", "8"}, {"k", "16,32"}, {"layout", "nt"}, {"dtype", "fp16"}};
  const std::vector<op::Operator> ops = expand("gemm", axes);
  ASSERT_EQ(ops.size(), 4u);
  op::Gemm expected{.m = 1, .n = 8, .k = 32, .dtype = shape::Dtype::fp16};
  EXPECT_EQ(ops[1], op::Operator(expected));
  expected.m = 2, expected.k = 16;
  EXPECT_EQ(ops[2], op::Operator(expected));
}

TEST(Expand, TakesEqualOperatorsOnce) {
  const std::vector<Axis> axes{{"rows", "4,4,2^2"}, {"width", "8"}};
  EXPECT_EQ(expand("norm", axes, shape::Dtype::fp32).size(), 1u);
}

TEST(Expand, AttentionFollowsItsHeads) {
  const std::vector<Axis> axes{{"queries", "128"}, {"keys", "128"}, {"heads", "8"}, {"head_dim", "64"}};
  const op::Operator one = expand("attention", axes).front();
  EXPECT_EQ(std::get<op::Attention>(one).kv_heads, 8);
  EXPECT_EQ(std::get<op::Attention>(one).value_dim, 64);
}

TEST(Expand, ErrorsNameKindFieldAndFix) {
  const auto expanded = [](std::string kind, std::vector<Axis> axes) { return error_of([&] { expand(kind, axes); }); };
  EXPECT_NE(expanded("gem", {}).find("did you mean 'gemm'"), std::string::npos);
  EXPECT_EQ(expanded("gemm", {{"m", "1"}, {"n", "1"}}), "gemm needs k");
  EXPECT_NE(expanded("norm", {{"rows", "1"}, {"width", "1"}, {"widh", "1"}}).find("did you mean 'width'"),
            std::string::npos);
  EXPECT_NE(expanded("gemm", {{"m", "1"}, {"m", "2"}, {"n", "1"}, {"k", "1"}}).find("m is given twice"),
            std::string::npos);
  EXPECT_NE(expanded("gemm", {{"m", "1..2000"}, {"n", "1..2000"}, {"k", "1..9"}}).find("more than 1000000 operators"),
            std::string::npos);
  EXPECT_NE(expanded("gemm", {{"m", "1"}, {"n", "1"}, {"k", "1"}, {"dtype", "bf16,bf17"}}).find("'bf17'"),
            std::string::npos);
}

}  // namespace
}  // namespace gemmetry::measure
