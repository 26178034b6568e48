#include <gtest/gtest.h>

#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/slot_decoder.h"
#include "gemmetry/run/serve/virtual_clock.h"
#include "run/tiny.h"

// Traces served by a model on the CPU whose products sum k in another order at another number of live requests.

namespace gemmetry::run {
namespace {

/// A model whose passes take their time by a virtual clock.
class TimedEngine final : public TokenEngine {
 public:
  TimedEngine(TokenEngine& engine, VirtualClock& clock) : engine_(engine), clock_(clock) {}

  std::int64_t slots() const override { return engine_.slots(); }
  std::int64_t capacity() const override { return engine_.capacity(); }
  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override {
    clock_.wait_s(0.02);
    return engine_.prefill(slot, prompt, draw);
  }
  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override {
    clock_.wait_s(0.01);
    return engine_.decode(rows);
  }
  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override {
    clock_.wait_s(0.03);
    return engine_.verify(windows, window);
  }

 private:
  TokenEngine& engine_;
  VirtualClock& clock_;
};

class ServeDecoderTest : public Tiny {
 protected:
  static constexpr std::int64_t slots = 5;

  /// Small enough for many tokens, with grouped heads and rotary positions.
  static shape::Model small() {
    const nlohmann::json config{
        {"model_type", "llama"},   {"hidden_size", 32}, {"num_hidden_layers", 2},   {"num_attention_heads", 4},
        {"intermediate_size", 80}, {"vocab_size", 211}, {"num_key_value_heads", 2}, {"max_position_embeddings", 256}};
    return shape::model_from_hf_config(config.dump(), "small");
  }

  static Trace some_trace() {
    TraceOptions options;
    options.requests = 24;
    options.rate_per_s = 4;
    options.prompt = {LengthKind::uniform, 9};
    options.new_tokens = {LengthKind::lognormal, 40, 0.6, 80};
    options.vocab = 211;
    return random_trace(options);
  }

  static ServeOptions how(std::optional<PassShape> shape) {
    ServeOptions options;
    options.verify = shape;
    options.temperature = 0.2f;
    return options;
  }

  Served serve_on(SlotDecoderOptions decoder, const Trace& trace, const ServeOptions& options) {
    decoder.slots = slots;
    decoder.capacity = 128;
    SlotDecoder engine(*backend, model_, weights_, std::move(decoder));
    VirtualClock clock;
    TimedEngine timed(engine, clock);
    return serve(timed, trace, options, clock);
  }

  static std::vector<std::vector<std::int32_t>> answers(const Served& served) {
    std::vector<std::vector<std::int32_t>> all;
    for (const Answer& answer : served.answers) {
      EXPECT_EQ(answer.state, AnswerState::answered);
      all.push_back(answer.tokens);
    }
    return all;
  }

  /// Decoding that sums in another order at another batch.
  static SlotDecoderOptions injected() {
    return {
        .tuned = [](const op::Operator& op) { return "rounded:" + std::to_string(1 + std::get<op::Gemm>(op).m % 4); }};
  }

  shape::Model model_ = small();
  Weights weights_ = Weights::random(*backend, model_, shape::Dtype::bf16, 3);
};

TEST_F(ServeDecoderTest, CommitsTheSameInWhicheverOrderAndAtWhicheverRate) {
  const Trace trace = some_trace();
  for (const PassShape shape : {PassShape{2, 8}, {1, 16}}) {
    const Served first = serve_on(injected(), trace, how(shape));
    EXPECT_GT(first.metrics.windows.rollbacks, 5);
    const auto expected = answers(first);
    bool differs = false;
    const auto unverified = answers(serve_on(injected(), trace, how({})));
    for (const double rate : {4.0, 1.0})
      for (const std::uint64_t seed : {1, 2, 3}) {
        const Trace other = reordered(trace, rate, seed);
        const Served served = serve_on(injected(), other, how(shape));
        EXPECT_EQ(answers(served), expected) << "rate " << rate << " order " << seed;
        differs = differs || answers(serve_on(injected(), other, how({}))) != unverified;
      }
    EXPECT_TRUE(differs) << "without verification";
  }
}

TEST_F(ServeDecoderTest, PinnedProductsAreNeverRolledBack) {
  SlotDecoderOptions pinned{.windows = {{2, 8}}, .pinned_products = true, .decode_splits = 1};
  const Served served = serve_on(pinned, some_trace(), how(PassShape{2, 8}));
  EXPECT_EQ(served.metrics.windows.rollbacks, 0);
  EXPECT_GT(served.metrics.windows.kept, 500);
  EXPECT_EQ(answers(served), answers(serve_on(pinned, reordered(some_trace(), 1, 2), how({}))))
      << "nor is there a need";
}

TEST_F(ServeDecoderTest, AFixedBatchOfPinnedProductsAnswersTheSame) {
  ServeOptions invariant = how({});
  invariant.fixed_batch = true;
  const SlotDecoderOptions pinned{.pinned_products = true, .decode_splits = 1};
  const Trace trace = some_trace();
  EXPECT_EQ(answers(serve_on(pinned, trace, invariant)), answers(serve_on(pinned, reordered(trace, 1, 3), invariant)));
}

}  // namespace
}  // namespace gemmetry::run
