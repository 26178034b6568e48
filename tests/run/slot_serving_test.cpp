#include <gtest/gtest.h>

#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/slot_decoder.h"
#include "gemmetry/run/serve/virtual_clock.h"
#include "run/tiny.h"

// Traces served by a real model on the CPU, whose products sum in another order at each number of live requests.

namespace gemmetry::run {
namespace {

shape::Model small() {
  const nlohmann::json config{
      {"model_type", "llama"},   {"hidden_size", 32}, {"num_hidden_layers", 2},   {"num_attention_heads", 4},
      {"intermediate_size", 80}, {"vocab_size", 211}, {"num_key_value_heads", 2}, {"max_position_embeddings", 256}};
  return shape::model_from_hf_config(config.dump(), "small");
}

/// As split kernels are chosen on a GPU: in how many parts k is summed hangs on the number of rows.
std::string by_batch(const op::Operator& op) { return "rounded:" + std::to_string(2 + std::get<op::Gemm>(op).m % 3); }

/// An engine each of whose passes takes a hundredth of a second.
class TimedEngine final : public TokenEngine {
 public:
  TimedEngine(TokenEngine& engine, VirtualClock& clock) : engine_(engine), clock_(clock) {}

  std::int64_t slots() const override { return engine_.slots(); }
  std::int64_t capacity() const override { return engine_.capacity(); }
  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override {
    clock_.wait_s(0.01);
    return engine_.prefill(slot, prompt, draw);
  }
  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override {
    clock_.wait_s(0.01);
    return engine_.decode(rows);
  }
  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override {
    clock_.wait_s(0.01);
    return engine_.verify(windows, window);
  }

 private:
  TokenEngine& engine_;
  VirtualClock& clock_;
};

Trace trace_of(std::int64_t requests, double rate, std::uint64_t seed) {
  TraceOptions options;
  options.requests = requests;
  options.rate_per_s = rate;
  options.prompt = {LengthKind::uniform, 6};
  options.new_tokens = {LengthKind::uniform, 14};
  options.vocab = 211;
  options.seed = seed;
  return random_trace(options);
}

class SlotServing : public Tiny {
 protected:
  Served serve_small(const Trace& trace, const ServeOptions& options) {
    VirtualClock clock;
    TimedEngine timed(engine, clock);
    Server server(timed, trace, options, clock);
    Served served = server.run();
    EXPECT_EQ(server.slots().taken(), 0);
    return served;
  }

  static ServeOptions verified(PassShape shape) {
    ServeOptions options;
    options.verify = shape;
    options.temperature = 0.8f;
    return options;
  }

  static std::vector<std::vector<std::int32_t>> answers(const Served& served) {
    std::vector<std::vector<std::int32_t>> all;
    for (const Answer& answer : served.answers) all.push_back(answer.tokens);
    return all;
  }

  shape::Model model = small();
  Weights weights = Weights::random(*backend, model, shape::Dtype::bf16, 3);
  SlotDecoder engine{*backend, model, weights, {.slots = 4, .capacity = 48, .tuned = by_batch}};
};

TEST_F(SlotServing, AnswersTheSameInEveryOrderAndAtEveryRateOnlyWhenVerified) {
  const Trace trace = trace_of(30, 12, 1);
  const Served first = serve_small(trace, verified({2, 4}));
  EXPECT_GT(first.metrics.windows.rollbacks, 0) << "decoding draws what verification does not";
  EXPECT_EQ(first.metrics.answered, 30);
  ServeOptions unverified = verified({2, 4});
  unverified.verify.reset();
  const auto plain = answers(serve_small(trace, unverified));
  bool differs = false;
  for (const double rate : {12.0, 3.0})
    for (const std::uint64_t order : {1, 2, 3}) {
      const Trace other = reordered(trace, rate, order);
      EXPECT_EQ(answers(serve_small(other, verified({2, 4}))), answers(first)) << rate << " " << order;
      differs = differs || answers(serve_small(other, unverified)) != plain;
    }
  EXPECT_TRUE(differs) << "without verification";
}

TEST_F(SlotServing, RandomTracesLeaveNoSlotTakenAndAnswerTheSame) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Trace trace = trace_of(6, 30, seed);
    for (Request& request : trace)
      if ((seed + static_cast<std::uint64_t>(request.id)) % 5 == 0) request.cancel_s = request.arrival_s + 0.07;
    const PassShape shape{1 + static_cast<std::int64_t>(seed % 2), 3};
    const Served served = serve_small(trace, verified(shape));
    const Served other = serve_small(reordered(trace, 30, seed), verified(shape));
    for (const Request& request : trace) {
      const auto id = static_cast<std::size_t>(request.id);
      std::vector<std::int32_t> one = served.answers[id].tokens;
      std::vector<std::int32_t> two = other.answers[id].tokens;
      const std::size_t shorter = std::min(one.size(), two.size());
      if (!request.cancel_s) EXPECT_EQ(one.size(), two.size());
      one.resize(shorter);
      two.resize(shorter);
      EXPECT_EQ(one, two) << "seed " << seed << ", request " << id;
    }
  }
}

TEST_F(SlotServing, PinnedDecodingNeverFlips) {
  SlotDecoderOptions how{.slots = 4, .capacity = 48, .windows = {{2, 4}}, .pinned_products = true};
  how.decode_splits = how.verify_splits;
  SlotDecoder pinned(*backend, model, weights, how);
  VirtualClock clock;
  TimedEngine timed(pinned, clock);
  const Served served = serve(timed, trace_of(30, 12, 1), verified({2, 4}), clock);
  EXPECT_GT(served.metrics.windows.windows, 50);
  EXPECT_EQ(served.metrics.windows.rollbacks, 0);
}

}  // namespace
}  // namespace gemmetry::run
