#include "gemmetry/run/serve/server.h"

#include <gtest/gtest.h>

#include <cmath>

#include "error_of.h"
#include "run/chain_engine.h"

namespace gemmetry::run {
namespace {

Trace trace_of(std::int64_t requests, double rate, Lengths new_tokens, std::uint64_t seed = 1) {
  TraceOptions options;
  options.requests = requests;
  options.rate_per_s = rate;
  options.prompt = {LengthKind::uniform, 6};
  options.new_tokens = new_tokens;
  options.vocab = 50;
  options.seed = seed;
  return random_trace(options);
}

Served serve_chain(const Trace& trace, const ServeOptions& options, double flips = 0.05, std::int64_t slots = 6) {
  VirtualClock clock;
  ChainEngine engine({.slots = slots, .capacity = 128, .flips = flips}, clock);
  return serve(engine, trace, options, clock);
}

ServeOptions verified(PassShape shape) {
  ServeOptions options;
  options.verify = shape;
  return options;
}

std::vector<std::vector<std::int32_t>> answers(const Served& served) {
  std::vector<std::vector<std::int32_t>> all;
  for (const Answer& answer : served.answers) all.push_back(answer.tokens);
  return all;
}

const Lengths mixed{LengthKind::lognormal, 30, 0.7, 100};

TEST(Server, CommitsWhatTheVerifierAloneWouldDraw) {
  const Trace trace = trace_of(60, 8, mixed);
  for (const PassShape shape : {PassShape{1, 1}, {1, 8}, {3, 4}, {16, 8}, {2, 200}}) {
    const Served served = serve_chain(trace, verified(shape));
    for (const Request& request : trace)
      EXPECT_EQ(served.answers[static_cast<std::size_t>(request.id)].tokens, ChainEngine::reference(request));
    EXPECT_GT(served.metrics.windows.rollbacks, 10);
    EXPECT_EQ(served.metrics.answered, 60);
  }
}

TEST(Server, AnswersTheSameInWhicheverOrderAndAtWhicheverRate) {
  const Trace trace = trace_of(60, 8, mixed);
  const auto expected = answers(serve_chain(trace, verified({2, 8})));
  const auto unverified = answers(serve_chain(trace, {}));
  bool differs = false;
  for (const double rate : {8.0, 2.0})
    for (const std::uint64_t order : {1, 2, 3}) {
      const Trace other = reordered(trace, rate, order);
      EXPECT_EQ(answers(serve_chain(other, verified({2, 8}))), expected) << rate << " " << order;
      differs = differs || answers(serve_chain(other, {})) != unverified;
    }
  EXPECT_TRUE(differs) << "without verification";
}

TEST(Server, AnswersTheSameAtOneFixedBatch) {
  const Trace trace = trace_of(60, 8, mixed);
  ServeOptions fixed;
  fixed.fixed_batch = true;
  const auto expected = answers(serve_chain(trace, fixed));
  EXPECT_EQ(answers(serve_chain(reordered(trace, 2, 5), fixed)), expected);
  EXPECT_EQ(serve_chain(trace, fixed).metrics.verify_passes, 0);
}

TEST(Server, VerifiesTheShareThatIsDeterministic) {
  const Trace trace = trace_of(400, 50, {LengthKind::fixed, 12});
  for (const double share : {0.0, 0.02, 0.5, 1.0}) {
    ServeOptions options = verified({2, 4});
    options.deterministic = share;
    const Served served = serve_chain(trace, options);
    const double found = static_cast<double>(served.metrics.deterministic_requests) / 400;
    EXPECT_NEAR(found, share, 0.08);
    EXPECT_EQ(served.metrics.verify_passes > 0, share > 0);
    EXPECT_EQ(served.metrics.deterministic_tokens, served.metrics.deterministic_requests * 12);
    for (const Request& request : trace) {
      const Answer& answer = served.answers[static_cast<std::size_t>(request.id)];
      if (answer.deterministic) EXPECT_EQ(answer.tokens, ChainEngine::reference(request));
    }
  }
}

TEST(Server, TakesARequestsOwnWord) {
  Trace trace = trace_of(4, 10, {LengthKind::fixed, 9});
  trace[1].deterministic = true;
  trace[2].deterministic = false;
  ServeOptions options = verified({1, 4});
  options.deterministic = 0;
  EXPECT_EQ(serve_chain(trace, options).metrics.deterministic_requests, 1);
  options.deterministic = 1;
  EXPECT_EQ(serve_chain(trace, options).metrics.deterministic_requests, 3);
}

TEST(Server, StreamsCommittedTokensAlone) {
  const Trace trace = trace_of(30, 8, mixed);
  ServeOptions options = verified({2, 8});
  std::vector<std::vector<std::int32_t>> streamed(trace.size());
  options.on_tokens = [&](const Request& request, std::span<const std::int32_t> tokens) {
    EXPECT_FALSE(tokens.empty());
    auto& all = streamed[static_cast<std::size_t>(request.id)];
    all.insert(all.end(), tokens.begin(), tokens.end());
  };
  EXPECT_EQ(streamed, std::vector<std::vector<std::int32_t>>(30));
  const Served served = serve_chain(trace, options);
  EXPECT_EQ(streamed, answers(served));
}

TEST(Server, CountsWhatItDid) {
  const Trace trace = trace_of(100, 8, mixed);
  const ServeMetrics metrics = serve_chain(trace, verified({4, 8})).metrics;
  std::int64_t tokens = 0;
  std::int64_t prompts = 0;
  for (const Request& request : trace) {
    tokens += request.new_tokens;
    prompts += std::ssize(request.prompt);
  }
  EXPECT_EQ(metrics.committed, tokens);
  EXPECT_EQ(metrics.deterministic_tokens, tokens);
  EXPECT_EQ(metrics.prompt_tokens, prompts);
  EXPECT_EQ(metrics.decoded, tokens - 100 + metrics.windows.rolled_back);
  EXPECT_EQ(metrics.windows.kept, tokens - 100);
  EXPECT_EQ(metrics.windows.windows + metrics.dummy_windows, 4 * metrics.verify_passes);
  EXPECT_NEAR(metrics.recompute_cost(), static_cast<double>(metrics.windows.rolled_back) / static_cast<double>(tokens),
              1e-12);
  EXPECT_NEAR(*metrics.flip_rate(), 0.05, 0.015);
  EXPECT_NEAR(metrics.decode_s, 0.01 * static_cast<double>(metrics.decode_steps), 1e-6);
  EXPECT_NEAR(metrics.verify_s, 0.01 * static_cast<double>(metrics.verify_passes), 1e-6);
  EXPECT_NEAR(metrics.prefill_s, 1, 1e-6);
  EXPECT_GT(metrics.end_to_end_s.p99, metrics.end_to_end_s.p50);
  EXPECT_GT(metrics.end_to_end_s.p50, metrics.first_token_s.p50);
  std::int64_t steps = 0;
  for (const auto& [batch, count] : metrics.steps_by_batch) {
    EXPECT_TRUE(batch >= 1 && batch <= 6);
    steps += count;
  }
  EXPECT_EQ(steps, metrics.decode_steps);
}

TEST(Server, DropsWhatAPassDrewForARequestThatIsCancelledInIt) {
  Trace trace = trace_of(1, 10, {LengthKind::fixed, 20});
  trace[0].arrival_s = 0;
  // Passes of 0.01 s: the prefill ends at 0.01, four steps at 0.05, the verification at 0.06.
  for (const double cancel_s : {0.001, 0.035, 0.055, 0.9}) {
    trace[0].cancel_s = cancel_s;
    const Served served = serve_chain(trace, verified({2, 4}), 0);
    const Answer& answer = served.answers[0];
    EXPECT_EQ(std::ssize(answer.tokens), cancel_s < 0.01 ? 0 : cancel_s < 0.06 ? 1 : 20) << cancel_s;
    EXPECT_EQ(answer.state, cancel_s < 0.5 ? AnswerState::cancelled : AnswerState::answered);
    EXPECT_EQ(served.metrics.verify_passes, cancel_s < 0.04 ? 0 : cancel_s < 0.06 ? 1 : 5);
  }
}

TEST(Server, EndsWhenItIsTold) {
  const Trace trace = trace_of(100, 1, mixed);
  ServeOptions options = verified({2, 8});
  options.most_time_s = 5;
  const ServeMetrics timed = serve_chain(trace, options).metrics;
  EXPECT_NEAR(timed.time_s, 5, 0.1);
  EXPECT_EQ(timed.answered + timed.unfinished, 100);
  options.most_time_s = 1e9;
  options.stop = [](const ServeMetrics& metrics) { return metrics.committed >= 40; };
  const ServeMetrics stopped = serve_chain(trace, options).metrics;
  EXPECT_GT(stopped.unfinished, 0);
  EXPECT_LT(stopped.committed, 60);
}

TEST(Server, WaitsForArrivals) {
  Trace trace = trace_of(2, 10, {LengthKind::fixed, 3});
  trace[0].arrival_s = 1.0 / 3;
  trace[1].arrival_s = 1e6 / 7;
  const Served served = serve_chain(trace, {}, 0);
  EXPECT_EQ(served.metrics.answered, 2);
  EXPECT_NEAR(*served.answers[1].first_token_s, 1e6 / 7 + 0.01, 1e-4);
}

TEST(Server, SaysWhatIsWrong) {
  const Trace trace = trace_of(3, 10, {LengthKind::fixed, 3});
  const auto error = [&](auto change) {
    ServeOptions options = verified({2, 8});
    change(options);
    return error_of([&] { serve_chain(trace, options); });
  };
  EXPECT_NE(error([](ServeOptions& o) { o.verify = {0, 8}; }).find("passes of 0 x 8"), std::string::npos);
  EXPECT_NE(error([](ServeOptions& o) { o.deterministic = 1.5; }).find("share of 1.5"), std::string::npos);
  EXPECT_NE(error([](ServeOptions& o) { o.temperature = NAN; }).find("temperature of nan"), std::string::npos);
  EXPECT_NE(error([](ServeOptions& o) { o.fixed_batch = true; }).find("nothing to verify"), std::string::npos);
  Trace twice = trace;
  twice[1].id = 0;
  EXPECT_NE(error_of([&] { serve_chain(twice, {}); }).find("request id 0"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::run
