#include "gemmetry/run/decoder.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "run/tiny.h"

namespace gemmetry::run {
namespace {

using shape::Dtype;
using shape::Phase;
using DecoderTest = Tiny;

/// The likeliest next token by running the whole sequence again.
std::int32_t next_by_forward(measure::Backend& backend, const shape::Model& model, const Weights& weights,
                             const Tokens& tokens) {
  Executor executor(backend, model, workload(Phase::forward, 1, std::ssize(tokens)), weights);
  executor.set_tokens(tokens);
  executor.run();
  const std::vector<float> logits = executor.logits();
  const auto last = logits.end() - model.vocab;
  return static_cast<std::int32_t>(std::max_element(last, logits.end()) - last);
}

TEST_F(DecoderTest, StepsGiveWhatTheWholeSequenceGives) {
  for (const std::string& family : tiny_families()) {
    const shape::Model model = tiny(family);
    const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
    Decoder decoder(*backend, model, weights, {.slots = 1, .capacity = 24});
    Tokens tokens = some_tokens(6, model.vocab);
    const std::vector<Tokens> answer = decoder.generate({tokens}, 12);
    ASSERT_EQ(answer[0].size(), 12u);
    for (const std::int32_t token : answer[0]) {
      EXPECT_EQ(token, next_by_forward(*backend, model, weights, tokens)) << family << " at " << tokens.size();
      tokens.push_back(token);
    }
  }
}

TEST_F(DecoderTest, RequestsDoNotDisturbEachOther) {
  const shape::Model model = tiny("qwen3");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  std::vector<Tokens> prompts;
  for (const std::int64_t length : {4, 4, 9, 1}) prompts.push_back(some_tokens(length, model.vocab, 11));
  for (const float temperature : {0.0f, 0.8f}) {
    DecoderOptions options{.slots = 4, .capacity = 20, .sampling = {temperature, 5}};
    Decoder together(*backend, model, weights, options);
    const std::vector<Tokens> answers = together.generate(prompts, 8);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      options.slots = 1;
      options.sampling.seed = 5 + i;
      Decoder alone(*backend, model, weights, options);
      EXPECT_EQ(alone.generate({prompts[i]}, 8)[0], answers[i]) << i;
    }
  }
}

TEST_F(DecoderTest, SeedsDrawTheSameAgainAndOthersOtherTokens) {
  const shape::Model model = tiny("gpt2");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  const auto drawn = [&](std::uint64_t seed) {
    Decoder decoder(*backend, model, weights, {.slots = 1, .capacity = 40, .sampling = {1.0f, seed}});
    return decoder.generate({{1, 2, 3}}, 30)[0];
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST_F(DecoderTest, FewerRequestsGoOnAfterMore) {
  const shape::Model model = tiny("llama");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  const std::vector<Tokens> prompts{some_tokens(5, 101, 1), some_tokens(5, 101, 2)};
  Decoder decoder(*backend, model, weights, {.slots = 2, .capacity = 20});
  const Tokens expected = decoder.generate({prompts[0]}, 6)[0];
  Tokens answer{decoder.prefill(prompts)[0]};
  for (const std::int64_t requests : {2, 2, 1, 1, 1}) answer.push_back(decoder.step(requests)[0]);
  EXPECT_EQ(answer, expected);
}

TEST_F(DecoderTest, TimedStepsAreSteps) {
  const shape::Model model = tiny("llama");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  const Tokens prompt = some_tokens(5, 101, 1);
  Decoder decoder(*backend, model, weights, {.slots = 1, .capacity = 20});
  const Tokens expected = decoder.generate({prompt}, 8)[0];
  decoder.prefill({prompt});
  EXPECT_EQ(decoder.time_prefill(2).size(), 2u);
  EXPECT_EQ(decoder.time_steps(1, 5).size(), 5u);
  EXPECT_EQ(decoder.step(1)[0], expected[6]);
}

TEST_F(DecoderTest, SaysWhereThereIsNoRoom) {
  const shape::Model model = tiny("gpt2");
  const Weights weights = Weights::random(*backend, model, Dtype::fp32, 3);
  Decoder decoder(*backend, model, weights, {.slots = 2, .capacity = 6});
  EXPECT_THROW(decoder.prefill({some_tokens(7, 101)}), Error);
  EXPECT_THROW(decoder.prefill({{}}), Error);
  EXPECT_THROW(decoder.prefill({{1}, {1, 2}}), Error);
  EXPECT_THROW(decoder.prefill({{1}, {2}, {3}}), Error);
  EXPECT_THROW(decoder.prefill({{1}}, 2), Error);
  EXPECT_THROW(decoder.generate({some_tokens(4, 101)}, 4), Error);
  EXPECT_EQ(decoder.generate({some_tokens(4, 101)}, 3)[0].size(), 3u);
  EXPECT_THROW(decoder.step(3), Error);
  EXPECT_THROW(Decoder(*backend, model, weights, {.slots = 1, .capacity = 65}).generate({{1}}, 3), Error)
      << "positions end at 64";
}

}  // namespace
}  // namespace gemmetry::run
