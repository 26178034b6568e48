#include "gemmetry/run/whole_runner.h"

#include <gtest/gtest.h>

#include "gemmetry/op/layer.h"
#include "gemmetry/shape/parameters.h"
#include "run/tiny.h"

namespace gemmetry::run {
namespace {

using measure::Execution;
using measure::RecordStatus;
using measure::Whole;
using measure::WholeKind;

class WholeRunnerTest : public Tiny {
 protected:
  Execution execute(const Whole& whole, measure::Setting setting = {}) { return runner.execute(whole, setting); }

  static Whole whole_of(WholeKind kind, shape::Phase phase = shape::Phase::forward, const char* family = "gpt_neox") {
    Whole whole;
    whole.kind = kind;
    whole.model = tiny(family);
    whole.workload = workload(phase, 2, 8);
    return whole;
  }

  static WholeOptions quick() {
    WholeOptions options;
    options.sampling.time_cap_s = 1e-3;
    options.tool = "0.1.0";
    return options;
  }

  measure::ClockMonitor monitor{std::string()};
  WholeRunner runner{*backend, monitor, quick()};
};

void expect_timed(const Execution& execution) {
  EXPECT_EQ(execution.status, RecordStatus::ok) << execution.reason;
  EXPECT_GT(execution.measurement.median_s, 0);
  EXPECT_LE(execution.low_s, execution.measurement.median_s);
  EXPECT_GE(execution.high_s, execution.measurement.median_s);
  EXPECT_GE(execution.samples, 3);
  EXPECT_EQ(execution.tool, "0.1.0");
  EXPECT_FALSE(execution.time.empty());
}

TEST_F(WholeRunnerTest, AModelHasTheModulesOfAllItsSteps) {
  for (const measure::Replay replay : {measure::Replay::graph, measure::Replay::stream}) {
    const Execution execution = execute(whole_of(WholeKind::model), {.replay = replay});
    expect_timed(execution);
    for (const op::Module module : {op::Module::input_embedding, op::Module::qkv_transform, op::Module::linear_output})
      EXPECT_GT(execution.module_s.at(module), 0) << name(module);
    EXPECT_EQ(execution.setting.replay, replay);
  }
}

TEST_F(WholeRunnerTest, ALayerIsItsOwnStepsAlone) {
  for (const std::string& family : tiny_families()) {
    const Execution layer = execute(whole_of(WholeKind::layer, shape::Phase::forward, family.c_str()));
    expect_timed(layer);
    EXPECT_FALSE(layer.module_s.contains(op::Module::input_embedding)) << family;
    EXPECT_FALSE(layer.module_s.contains(op::Module::linear_output)) << family;
    EXPECT_TRUE(layer.module_s.contains(op::Module::mlp_h_to_4h)) << family;
    const Execution attention = execute(whole_of(WholeKind::attention, shape::Phase::forward, family.c_str()));
    expect_timed(attention);
    EXPECT_FALSE(attention.module_s.contains(op::Module::mlp_h_to_4h)) << family;
    EXPECT_TRUE(attention.module_s.contains(op::Module::qkv_transform)) << family;
  }
}

TEST_F(WholeRunnerTest, ATrainingStepOfALayerEndsWithItsUpdate) {
  Whole whole = whole_of(WholeKind::layer, shape::Phase::training);
  const std::vector<op::Step> steps = op::layer_steps(whole.model, whole.workload);
  EXPECT_EQ(std::get<op::Optimizer>(steps.back().op).parameters,
            shape::layer_parameters(whole.model, shape::layer_kind(whole.model, 0)));
  const Execution execution = execute(whole);
  expect_timed(execution);
  EXPECT_GT(execution.module_s.at(op::Module::optimizer), 0);
}

TEST_F(WholeRunnerTest, AnAnswerTellsItsPromptFromItsTokens) {
  Whole whole = whole_of(WholeKind::answer, shape::Phase::prefill);
  whole.new_tokens = 4;
  const Execution execution = execute(whole);
  expect_timed(execution);
  EXPECT_TRUE(execution.fused_steps);
  EXPECT_GT(execution.prompt_s.value(), 0);
  EXPECT_LT(execution.prompt_s.value(), execution.measurement.median_s);
  EXPECT_TRUE(execution.module_s.empty());
  whole.new_tokens = 1;
  EXPECT_EQ(execute(whole).status, RecordStatus::skipped);
}

TEST_F(WholeRunnerTest, APromptAndADecodingStep) {
  expect_timed(execute(whole_of(WholeKind::model, shape::Phase::prefill)));
  Whole step = whole_of(WholeKind::model, shape::Phase::decode);
  step.workload.cache = 5;
  expect_timed(execute(step));
  EXPECT_TRUE(execute(step).fused_steps);
  step.kind = WholeKind::layer;
  expect_timed(execute(step));
}

TEST_F(WholeRunnerTest, ABaselineIsExecutedInTurns) {
  Whole whole = whole_of(WholeKind::model, shape::Phase::forward, "gpt2");
  whole.baseline = whole.model;
  whole.model.adapter = shape::Adapter{shape::AdapterKind::houlsby, 4};
  const Execution execution = execute(whole);
  expect_timed(execution);
  ASSERT_TRUE(execution.slowdown);
  EXPECT_GT(execution.slowdown->baseline_s, 0);
  EXPECT_LE(execution.slowdown->low, execution.slowdown->value);
  EXPECT_GE(execution.slowdown->high, execution.slowdown->value);
}

TEST_F(WholeRunnerTest, WhatCannotRunIsSkippedWithTheReason) {
  Whole experts = whole_of(WholeKind::model);
  experts.model.experts = shape::Experts{.count = 4, .active = 2, .width = 8};
  const Execution refused = execute(experts);
  EXPECT_EQ(refused.status, RecordStatus::skipped);
  EXPECT_NE(refused.reason.find("a mixture of experts"), std::string::npos) << refused.reason;
  EXPECT_EQ(refused.samples, 0);

  Whole huge = whole_of(WholeKind::model);
  huge.workload.batch = std::int64_t{1} << 36;
  EXPECT_EQ(execute(huge).status, RecordStatus::skipped);
  expect_timed(execute(whole_of(WholeKind::model)));
}

}  // namespace
}  // namespace gemmetry::run
