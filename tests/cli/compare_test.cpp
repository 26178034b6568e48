#include <gtest/gtest.h>

#include "cli/measuring.h"

namespace gemmetry::cli {
namespace {

TEST(Compare, LaysPredictedBesideMeasured) {
  const Scratch scratch;
  const std::string command = "explain" + small_model +
                              " --compare --device cpu --clocks burst --time-cap 20ms --precision 50% --db " +
                              scratch.path("a.db");
  const Result result = gemmetry(command + " --format json");
  ASSERT_EQ(result.code, 0) << result.err;
  const Json compared = result.json();
  double predicted = 0, measured = 0;
  for (const Json& op : compared.at("operators")) {
    for (const char* key : {"module", "detail", "pass", "kind", "count", "predicted_time_s", "predicted_time_low_s",
                            "predicted_time_high_s", "measured_time_s", "error", "how"})
      EXPECT_TRUE(op.contains(key)) << key << ": " << op;
    const double one = op.at("predicted_time_s"), other = op.at("measured_time_s");
    EXPECT_NEAR(op.at("error").get<double>(), one / other - 1, 1e-9);
    predicted += op.at("count").get<double>() * one;
    measured += op.at("count").get<double>() * other;
  }
  const Json& sums = compared.at("comparison");
  EXPECT_NEAR(sums.at("predicted_time_s").get<double>(), predicted, 1e-9 * predicted);
  EXPECT_NEAR(sums.at("measured_time_s").get<double>(), measured, 1e-9 * measured);
  EXPECT_NEAR(sums.at("error").get<double>(), predicted / measured - 1, 1e-9);
  EXPECT_EQ(sums.at("operators"), compared.at("operators").size());
  EXPECT_EQ(sums.at("measured_operators"), compared.at("operators").size());
  for (const char* key : {"mean_error", "median_error"}) EXPECT_GT(sums.at(key), 0) << key;
  EXPECT_EQ(compared.at("device").at("clocks"), "burst");
  EXPECT_TRUE(gemmetry(command + " --format csv").out.starts_with("module,detail,pass,kind,"));
  EXPECT_NE(gemmetry(command).out.find("Predicted and measured"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::cli
