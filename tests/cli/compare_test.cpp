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

TEST(Compare, TheModelIsExecutedInOnePieceToo) {
  const Scratch scratch;
  const std::string options = small_model + " --clocks burst --time-cap 20ms --precision 50% --device cpu --db " +
                              scratch.path("a.db") + " --format json";
  const auto compared = [&](const std::string& more) {
    const Result result = gemmetry("explain --compare" + options + more);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.json();
  };
  const Json model = compared("").at("executed");
  EXPECT_EQ(model.at("run"), "model");
  EXPECT_EQ(model.at("status"), "ok");
  double predicted = 0, measured = 0, executed = 0;
  for (const Json& module : model.at("modules")) {
    predicted += module.at("predicted_time_s").get<double>();
    measured += module.at("measured_time_s").get<double>();
    executed += module.at("executed_time_s").get<double>();
  }
  EXPECT_NEAR(model.at("predicted_time_s").get<double>(), predicted, 1e-9 * predicted);
  EXPECT_NEAR(model.at("measured_time_s").get<double>(), measured, 1e-9 * measured);
  EXPECT_GT(executed, 0);
  const double time_s = model.at("executed_time_s");
  EXPECT_NEAR(model.at("predicted_error").get<double>(), predicted / time_s - 1, 1e-9);
  EXPECT_NEAR(model.at("measured_error").get<double>(), measured / time_s - 1, 1e-9 * (1 + measured / time_s));
  EXPECT_EQ(compared("").at("executed"), model) << "the record answers";

  EXPECT_EQ(compared(" --layer").at("executed").at("run"), "layer");
  const Result layer = gemmetry("measure layer" + options);
  ASSERT_EQ(layer.code, 0) << layer.err;
  EXPECT_GT(layer.json().at("layer").at("executed_time_s"), 0);
}

}  // namespace
}  // namespace gemmetry::cli
