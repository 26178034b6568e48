#include <gtest/gtest.h>

#include <optional>

#include "error_of.h"
#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/serve/slot_decoder.h"
#include "gemmetry/run/serve/virtual_clock.h"
#include "run/tiny.h"

// Random traces over a real model on the CPU, as small as one can be, whose products sum in another order at each
// number of live requests. tests/run/server_traces_test.cpp has the same over an engine that knows the right answers.

namespace gemmetry::run {
namespace {

shape::Model smallest() {
  const nlohmann::json config{
      {"model_type", "llama"},  {"hidden_size", 16}, {"num_hidden_layers", 1},   {"num_attention_heads", 2},
      {"intermediate_size", 8}, {"vocab_size", 23},  {"num_key_value_heads", 1}, {"max_position_embeddings", 64}};
  return shape::model_from_hf_config(config.dump(), "smallest");
}

/// As split kernels are chosen on a GPU: in how many parts k is summed hangs on the number of rows.
std::string by_batch(const op::Operator& op) { return "rounded:" + std::to_string(2 + std::get<op::Gemm>(op).m % 3); }

/// An engine each of whose passes takes a hundredth of a second, and one of which may fail.
class TimedEngine final : public TokenEngine {
 public:
  TimedEngine(TokenEngine& engine, VirtualClock& clock, std::optional<int> fails_at)
      : engine_(engine), clock_(clock), fails_at_(fails_at) {}

  std::int64_t slots() const override { return engine_.slots(); }
  std::int64_t capacity() const override { return engine_.capacity(); }
  std::int32_t prefill(std::int32_t slot, std::span<const std::int32_t> prompt, const Draw& draw) override {
    begin_pass();
    return engine_.prefill(slot, prompt, draw);
  }
  std::vector<std::int32_t> decode(std::span<const DecodeRow> rows) override {
    begin_pass();
    return engine_.decode(rows);
  }
  std::vector<std::int32_t> verify(std::span<const WindowRows> windows, std::int64_t window) override {
    begin_pass();
    return engine_.verify(windows, window);
  }

 private:
  void begin_pass() {
    clock_.wait_s(0.01);
    if (fails_at_ && passes_++ == *fails_at_) throw Error("out of memory");
  }

  TokenEngine& engine_;
  VirtualClock& clock_;
  std::optional<int> fails_at_;
  int passes_ = 0;
};

Trace trace_of(std::uint64_t seed) {
  TraceOptions options;
  options.requests = 2 + static_cast<std::int64_t>(seed % 3);
  options.rate_per_s = 30;
  options.prompt = {LengthKind::uniform, 2};
  options.new_tokens = {LengthKind::uniform, 4};
  options.vocab = 23;
  options.seed = seed;
  Trace trace = random_trace(options);
  for (Request& request : trace)
    if ((seed + static_cast<std::uint64_t>(request.id)) % 7 == 0)
      request.cancel_s = request.arrival_s + 0.01 * static_cast<double>(seed % 11);
  return trace;
}

/// Answers by request; nothing where the device failed.
std::optional<std::vector<Answer>> serve_all(TokenEngine& engine, const Trace& trace, const PassShape& shape,
                                             std::optional<int> fails_at) {
  VirtualClock clock;
  TimedEngine timed(engine, clock, fails_at);
  ServeOptions options;
  options.verify = shape;
  options.temperature = 0.8f;
  Server server(timed, trace, options, clock);
  std::optional<std::vector<Answer>> answers;
  const std::string error = error_of([&] { answers = server.run().answers; });
  EXPECT_EQ(error, answers ? "" : "out of memory");
  EXPECT_EQ(server.slots().taken(), 0);
  return answers;
}

/// Whether one of them begins as the other.
bool agree(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  const std::size_t shorter = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin());
}

using SlotServing = Tiny;

TEST_F(SlotServing, RandomTracesLeaveNoSlotTakenAndAnswerTheSame) {
  const shape::Model model = smallest();
  const Weights weights = Weights::random(*backend, model, shape::Dtype::bf16, 3);
  SlotDecoder engine(*backend, model, weights, {.slots = 2, .capacity = 16, .tuned = by_batch});
  std::int64_t failed = 0;
  for (std::uint64_t seed = 1; seed <= 5000; ++seed) {
    const Trace trace = trace_of(seed);
    const PassShape shape{1 + static_cast<std::int64_t>(seed % 2), 3};
    const std::optional<int> fails_at = seed % 9 == 0 ? std::optional(static_cast<int>(seed % 13)) : std::nullopt;
    const auto one = serve_all(engine, trace, shape, fails_at);
    const auto two = serve_all(engine, reordered(trace, 30, seed), shape, std::nullopt);
    failed += one ? 0 : 1;
    ASSERT_TRUE(two);
    if (!one) continue;
    for (std::size_t id = 0; id < trace.size(); ++id) {
      const bool whole = !trace[id].cancel_s;
      ASSERT_TRUE(agree((*one)[id].tokens, (*two)[id].tokens)) << "seed " << seed << ", request " << id;
      if (whole) ASSERT_EQ((*one)[id].tokens.size(), (*two)[id].tokens.size()) << "seed " << seed;
    }
  }
  EXPECT_GT(failed, 300);
}

}  // namespace
}  // namespace gemmetry::run
