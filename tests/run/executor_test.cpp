#include "gemmetry/run/executor.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "run/tiny.h"

namespace gemmetry::run {
namespace {

using shape::AttentionKind;
using shape::Dtype;
using shape::Phase;
using ExecutorTest = Tiny;

constexpr double fp32_bound = 1e-4;
constexpr double bf16_bound = 6e-2;

TEST_F(ExecutorTest, AttentionIsTheSameHoweverItRuns) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    const std::vector<float> fused = logits(model, workload(Phase::forward, 3, 13), weights);
    EXPECT_EQ(fused.size(), 3u * 13 * 101);
    for (const AttentionKind kind : {AttentionKind::unfused, AttentionKind::eager})
      EXPECT_LT(distance(fused, logits(model, workload(Phase::forward, 3, 13, kind), weights)), fp32_bound)
          << family << " " << name(kind);
  }
}

TEST_F(ExecutorTest, ProjectionsShareWeightsWhetherFusedOrNot) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    shape::Workload apart = workload(Phase::forward, 2, 9);
    const std::vector<float> together = logits(model, apart, weights);
    apart.projections = shape::Projections::hf;
    EXPECT_LT(distance(together, logits(model, apart, weights)), fp32_bound) << family;
  }
}

TEST_F(ExecutorTest, NarrowTypesAreNear) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const std::vector<float> exact =
        logits(model, workload(Phase::forward, 2, 9), Weights::random(*backend, model, Dtype::fp32, 1));
    for (const AttentionKind kind : {AttentionKind::fused, AttentionKind::unfused, AttentionKind::eager})
      EXPECT_LT(distance(exact, logits(model, workload(Phase::forward, 2, 9, kind, Dtype::bf16),
                                       Weights::random(*backend, model, Dtype::bf16, 1))),
                bf16_bound)
          << family << " " << name(kind);
  }
}

TEST_F(ExecutorTest, SequencesDoNotSeeEachOtherNorWhatComesLater) {
  const shape::Model model = tiny("llama");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
  Executor executor(*backend, model, workload(Phase::forward, 2, 8), weights);
  std::vector<std::int32_t> tokens = some_tokens(16, model.vocab);
  executor.set_tokens(tokens);
  executor.run();
  const std::vector<float> before = executor.logits();
  tokens[5] = (tokens[5] + 1) % 101;
  executor.set_tokens(tokens);
  executor.run();
  const std::vector<float> after = executor.logits();
  for (std::size_t row = 0; row < 16; ++row) {
    const bool equal = std::equal(before.begin() + static_cast<std::ptrdiff_t>(row * 101),
                                  before.begin() + static_cast<std::ptrdiff_t>((row + 1) * 101),
                                  after.begin() + static_cast<std::ptrdiff_t>(row * 101));
    EXPECT_EQ(equal, row < 5 || row >= 8) << row;
  }
}

TEST_F(ExecutorTest, PrefillGivesTheLastTokensLogits) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    const std::vector<float> all = logits(model, workload(Phase::forward, 2, 7), weights);
    std::vector<float> last;
    for (const std::ptrdiff_t row : {6, 13})
      last.insert(last.end(), all.begin() + row * 101, all.begin() + (row + 1) * 101);
    EXPECT_LT(distance(last, logits(model, workload(Phase::prefill, 2, 7), weights)), fp32_bound) << family;
  }
}

TEST_F(ExecutorTest, FoldedResidualsGiveTheSameWithFewerCalls) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    const shape::Workload forward = workload(Phase::forward, 2, 7);
    Executor plain(*backend, model, forward, weights);
    Executor folded(*backend, model, forward, weights, {.fused_steps = true});
    for (Executor* executor : {&plain, &folded}) {
      executor->set_tokens(some_tokens(14, model.vocab));
      executor->run();
    }
    EXPECT_LT(distance(plain.logits(), folded.logits()), fp32_bound) << family;
    const bool branch_norms = model.norm_placement == shape::NormPlacement::branch;
    const std::size_t saved = branch_norms ? 0 : 6;
    EXPECT_EQ(folded.calls().size() + saved, plain.calls().size()) << family;
  }
}

TEST_F(ExecutorTest, DecodingWithFusedStepsGivesTheSameWithFewerCalls) {
  for (const std::string& family : tiny_families())
    for (const shape::Projections projections : {shape::Projections::fused, shape::Projections::hf}) {
      const shape::Model model = tiny(family);
      const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
      for (const std::int64_t batch : {1, 3, 6}) {
        shape::Workload decode = workload(Phase::decode, batch, 1);
        decode.cache = 5;
        decode.projections = projections;
        const auto run = [&](bool fused, std::size_t* calls) {
          Executor executor(*backend, model, decode, weights, {.fused_steps = fused});
          *calls = executor.calls().size();
          std::vector<float> logits;
          for (std::int32_t cached = 0; cached < 3; ++cached) {
            executor.inputs().set_cached(std::vector<std::int32_t>(static_cast<std::size_t>(batch), cached));
            executor.set_tokens(some_tokens(batch, model.vocab, 40 + static_cast<std::uint64_t>(cached)));
            executor.run();
            const std::vector<float> last = executor.logits();
            logits.insert(logits.end(), last.begin(), last.end());
          }
          return logits;
        };
        std::size_t apart = 0;
        std::size_t together = 0;
        EXPECT_LT(distance(run(false, &apart), run(true, &together)), fp32_bound) << family << " batch " << batch;
        const bool rotates = model.positions == shape::Positions::rotary;
        const bool two = projections == shape::Projections::hf;
        const std::size_t residuals = model.norm_placement == shape::NormPlacement::branch ? 0 : 6;
        const std::size_t activations = batch > 2 ? 0 : two && model.ffn.gated && !model.ffn.gate_up_fused ? 6 : 3;
        const std::size_t appends = !rotates ? 0 : two && !model.attention.qkv_fused ? 6 : 3;
        EXPECT_EQ(together + residuals + activations + appends, apart) << family << " batch " << batch;
      }
    }
}

TEST_F(ExecutorTest, DecodesOverTheWorkloadsCacheUnlessToldOtherwise) {
  const shape::Model model = tiny("llama");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
  shape::Workload decode = workload(Phase::decode, 2, 1);
  decode.cache = 5;
  Executor executor(*backend, model, decode, weights);
  executor.set_tokens(some_tokens(2, model.vocab, 40));
  const auto logits_over = [&](std::vector<std::int32_t> cached) {
    executor.inputs().set_cached(cached);
    executor.run();
    return executor.logits();
  };
  executor.run();
  const std::vector<float> usual = executor.logits();
  EXPECT_EQ(usual, logits_over({5, 5}));
  EXPECT_NE(usual, logits_over({1, 1}));
}

TEST_F(ExecutorTest, StepTimesNameWhatIsDoneAtOnce) {
  const shape::Model model = tiny("llama");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
  shape::Workload decode = workload(Phase::decode, 1, 1);
  decode.cache = 5;
  Executor executor(*backend, model, decode, weights, {.fused_steps = true});
  std::string details;
  for (const StepTime& step : executor.step_times(1)) details += std::string(step.step.detail) + ";";
  for (const char* detail : {"rotary and append", "gate, up and activation", "and residual"})
    EXPECT_NE(details.find(detail), std::string::npos) << details;
}

TEST_F(ExecutorTest, TimesTheWholeAndEachStep) {
  const shape::Model model = tiny("gpt2");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
  Executor executor(*backend, model, workload(Phase::forward, 1, 8), weights);
  for (const measure::Replay replay : {measure::Replay::graph, measure::Replay::stream})
    for (const double time : executor.time(3, replay)) EXPECT_GT(time, 0);
  const std::vector<StepTime> steps = executor.step_times(2);
  EXPECT_EQ(steps.size(), executor.program().steps().size());
  for (const StepTime& step : steps) {
    EXPECT_GT(step.time_s, 0);
    const bool of_layer = step.step.module == op::Module::qkv_transform || step.step.module == op::Module::mlp_4h_to_h;
    if (of_layer) EXPECT_EQ(step.runs, 3);
  }
}

TEST_F(ExecutorTest, LayersNeedNoMoreActivationsThanTwo) {
  shape::Model model = tiny("llama");
  const auto bytes = [&](std::int64_t layers) {
    shape::set_layers(model, layers);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
    return Executor(*backend, model, workload(Phase::forward, 1, 16), weights).bytes();
  };
  EXPECT_EQ(bytes(2), bytes(9));
}

std::string problem(measure::Backend& backend, const shape::Model& model, const shape::Workload& what) {
  const Weights weights = Weights::random(backend, tiny("llama"), what.dtype, 1);
  try {
    const Executor executor(backend, model, what, weights);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(ExecutorTest, SaysWhatCannotBeExecuted) {
  const auto expect = [&](const shape::Model& model, const shape::Workload& what, const std::string& says) {
    const std::string message = problem(*backend, model, what);
    EXPECT_NE(message.find("cannot be executed yet: " + says), std::string::npos) << message;
  };
  const shape::Workload forward = workload(Phase::forward, 1, 4);
  expect(shape::preset("mixtral-8x7b"), forward, "a mixture of experts");
  expect(shape::preset("bloom-560m"), forward, "ALiBi");
  expect(shape::preset("bert-base"), forward, "token types");
  expect(tiny("llama"), workload(Phase::training, 1, 4), "a training step");
  shape::Workload split = forward;
  split.tensor_parallel = 2;
  expect(tiny("llama"), split, "tensor parallelism");
  expect(tiny("llama"), workload(Phase::forward, 1, 4, AttentionKind::fused, Dtype::fp8), "fp8");
  expect(tiny("llama"), workload(Phase::decode, 1, 4, AttentionKind::eager), "decoding with eager attention");
}

TEST_F(ExecutorTest, SaysWhatDoesNotFit) {
  try {
    Weights::random(*backend, shape::preset("gpt3-175b"), Dtype::fp32, 1);
    FAIL() << "700 GB";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("does not fit"), std::string::npos) << message;
    EXPECT_NE(message.find("GiB are needed"), std::string::npos) << message;
  }
}

TEST_F(ExecutorTest, TokensAreOfTheVocabularyAndAsManyAsRows) {
  const shape::Model model = tiny("gpt2");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 1);
  Executor executor(*backend, model, workload(Phase::forward, 1, 3), weights);
  EXPECT_THROW(executor.set_tokens(std::vector<std::int32_t>{1, 2}), Error);
  EXPECT_THROW(executor.set_tokens(std::vector<std::int32_t>{1, 2, 101}), Error);
  EXPECT_THROW(executor.set_tokens(std::vector<std::int32_t>{1, 2, -1}), Error);
}

}  // namespace
}  // namespace gemmetry::run
