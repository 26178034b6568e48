#include <gtest/gtest.h>

#include "gemmetry/op/layer.h"
#include "gemmetry/study/model_part.h"
#include "gemmetry/study/outcome.h"
#include "gemmetry/study/point.h"
#include "study/studies.h"

namespace gemmetry::study {
namespace {

using measure::Execution;
using nlohmann::ordered_json;

ordered_json whole(ordered_json document) {
  document["model"]["whole"] = true;
  return document;
}

/// The model study, of shares of its layer.
ordered_json share_study() {
  ordered_json document = whole(model_study());
  document["model"]["part"] = "QKV Transform + MLP h to 4h";
  document["model"]["of"] = "layer";
  document["series"] = ordered_json::array();
  document["series"].push_back({{"label", "both"}});
  document["series"].push_back({{"label", "QKV"}, {"part", "QKV Transform"}});
  document["chart"]["y"] = "share";
  return document;
}

/// What the point ran as, with a second on the clock.
Execution executed(const Study& study, const Point& point) {
  Execution execution = measure::blank_execution(*point.whole, measured(setting_of(study.series.at(point.series), {})));
  execution.measurement.median_s = 1;
  execution.low_s = 0.9;
  execution.high_s = 1.2;
  execution.samples = 9;
  return execution;
}

TEST(Executed, APointTakesWhatItsWholeTook) {
  const Study study = study_of(whole(model_study()));
  const std::vector<Point> points = points_of(study);
  const std::vector<Outcome> all = outcomes_of(study, points, measure::Executions({executed(study, points[1])}), {});
  ASSERT_EQ(all.size(), points.size());
  EXPECT_EQ(all[1].time_s, 1);
  EXPECT_EQ(all[1].time_low_s, 0.9);
  EXPECT_EQ(all[1].time_high_s, 1.2);
  EXPECT_GT(all[1].flop, 0);
  EXPECT_FALSE(all[1].slowdown);
  EXPECT_FALSE(all[0].time_s);
  EXPECT_NE(all[0].how.find("not executed"), std::string::npos);
}

TEST(Executed, OfAnotherSettingItDoesNotAnswer) {
  const Study study = study_of(whole(model_study()));
  const std::vector<Point> points = points_of(study);
  const measure::Executions executions({executed(study, points[0])});
  EXPECT_TRUE(outcomes_of(study, points, executions, {})[0].time_s);
  EXPECT_FALSE(outcomes_of(study, points, executions, {.clocks = gpu::Clocks::sustained})[0].time_s);
}

TEST(Executed, WhatWasSkippedSaysWhy) {
  const Study study = study_of(whole(model_study()));
  const std::vector<Point> points = points_of(study);
  Execution skipped = executed(study, points[0]);
  skipped.status = measure::RecordStatus::skipped;
  skipped.reason = "it does not fit";
  const Outcome outcome = outcomes_of(study, points, measure::Executions({skipped}), {})[0];
  EXPECT_FALSE(outcome.time_s);
  EXPECT_EQ(outcome.how, "it does not fit");
}

TEST(Executed, AShareIsOfTheTimesOfItsModules) {
  const Study study = study_of(share_study());
  const std::vector<Point> points = points_of(study);
  Execution execution = executed(study, points[0]);
  execution.module_s = {{op::Module::qkv_transform, 2}, {op::Module::mlp_h_to_4h, 3}, {op::Module::residual, 5}};
  const std::vector<Outcome> all = outcomes_of(study, points, measure::Executions({execution}), {});
  EXPECT_DOUBLE_EQ(all[0].y(Quantity::share, 0).value(), 0.5);
  EXPECT_DOUBLE_EQ(all[0].time_s.value(), 0.5);
  EXPECT_DOUBLE_EQ(all[2].y(Quantity::share, 0).value(), 0.2) << "the second series is of the same execution";
}

TEST(Executed, ASlowDownIsToTheModelInTurns) {
  ordered_json document = whole(slowdown_study());
  const Study study = study_of(document);
  const std::vector<Point> points = points_of(study);
  for (const Point& point : points) {
    ASSERT_TRUE(point.whole && point.whole->baseline);
    EXPECT_FALSE(point.whole->baseline->adapter);
    EXPECT_EQ(point.whole->model.adapter.has_value(), point.variables.at("r") > 0);
  }
  Execution execution = executed(study, points[3]);
  execution.slowdown = measure::Slowdown{0.8, 1.25, 1.2, 1.3};
  const Outcome outcome = outcomes_of(study, points, measure::Executions({execution}), {})[3];
  EXPECT_DOUBLE_EQ(outcome.y(Quantity::slowdown, 0).value(), 1.25);
  EXPECT_DOUBLE_EQ(outcome.slowdown->high, 1.3);
}

TEST(Executed, ALayersTrainingStepHasItsUpdate) {
  const Study parts = study_of(model_study()), executed = study_of(whole(model_study()));
  const Point before = points_of(parts).back(), after = points_of(executed).back();
  EXPECT_EQ(after.work.size(), before.work.size() + 1);
  EXPECT_TRUE(std::holds_alternative<op::Optimizer>(after.work.back().op));
  double counted = 0;
  for (const CountedOperator& one : after.work) counted += one.count;
  EXPECT_EQ(counted, static_cast<double>(op::layer_steps(after.whole->model, after.whole->workload).size()));
}

TEST(Executed, AnAttentionBlockIsALayerWithoutItsFfn) {
  ordered_json document = whole(model_study());
  document["model"]["part"] = "attention block";
  const Point point = points_of(study_of(document)).front();
  EXPECT_EQ(point.whole->kind, measure::WholeKind::attention);
  double counted = 0;
  for (const CountedOperator& one : point.work) counted += one.count;
  EXPECT_EQ(counted, static_cast<double>(op::attention_steps(point.whole->model, point.whole->workload).size()));
}

TEST(Executed, DecodingIsPricedAsAChain) {
  ordered_json document = whole(model_study());
  document["model"]["workload"]["phase"] = "decode";
  document["series"] = ordered_json::array();
  document["series"].push_back({{"label", "graph"}});
  document["series"].push_back({{"label", "stream"}, {"launch", "stream"}});
  const auto chained = [](const ordered_json& of) {
    std::vector<bool> asked;
    const Study study = study_of(of);
    outcomes_of(study, points_of(study),
                [&](const SeriesSetting& setting) -> const op::CostModel* {
                  asked.push_back(setting.chained);
                  return nullptr;
                },
                {});
    return asked;
  };
  EXPECT_EQ(chained(document), (std::vector<bool>{true, false}));
  document["model"]["whole"] = false;
  EXPECT_EQ(chained(document), (std::vector<bool>{false, false}));
}

TEST(Executed, WhatCannotBeIsRefused) {
  const auto refusal = [](const ordered_json& document) { return error_of([&] { points_of(study_of(document)); }); };
  ordered_json document = whole(model_study());
  document["model"]["part"] = "QKV Transform";
  EXPECT_NE(refusal(document).find("'QKV Transform' is not executed in one piece"), std::string::npos);
  document = share_study();
  document["model"]["part"] = "layer";
  EXPECT_NE(refusal(document).find("name modules"), std::string::npos);
  document = share_study();
  document["chart"]["y"] = "time";
  EXPECT_NE(refusal(document).find("'of' is for share only"), std::string::npos);
  document = model_study();
  document["chart"]["y"] = "share";
  EXPECT_NE(refusal(document).find("a share needs what it is of"), std::string::npos);
  document = share_study();
  document["model"]["part"] = "QKV Transform + MLP";
  EXPECT_NE(refusal(document).find("MLP"), std::string::npos);
  document = product_study();
  document["series"][0]["part"] = "layer";
  EXPECT_NE(refusal(document).find("an operator has no parts"), std::string::npos);
  document = whole(slowdown_study());
  document["model"]["part"] = "layer";
  EXPECT_NE(refusal(document).find("let part be model"), std::string::npos);
  document = whole(slowdown_study());
  document["baseline"] = {{"b", 1}};
  EXPECT_NE(refusal(document).find("one workload"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::study
