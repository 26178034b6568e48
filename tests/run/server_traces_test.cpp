#include <gtest/gtest.h>

#include "error_of.h"
#include "gemmetry/run/serve/server.h"
#include "run/chain_engine.h"

// Random traces of every kind: whatever happens, each slot is free again and deterministic requests have the verifier's
// tokens.

namespace gemmetry::run {
namespace {

/// Whole numbers from a seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}
  std::int64_t operator()(std::int64_t low, std::int64_t high) {
    return low + measure::random_index(seed_, index_++, high - low + 1);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t index_ = 0;
};

Trace trace_of(Dice& dice) {
  TraceOptions options;
  options.requests = dice(1, 12);
  options.rate_per_s = static_cast<double>(dice(1, 60));
  options.prompt = {LengthKind::uniform, dice(1, 6)};
  options.new_tokens = {static_cast<LengthKind>(dice(0, 2)), dice(1, 14), 1, 20};
  options.vocab = 50;
  options.seed = static_cast<std::uint64_t>(dice(0, 1 << 30));
  Trace trace = random_trace(options);
  if (dice(0, 2) == 0)
    for (Request& request : trace)
      if (dice(0, 2) == 0) request.cancel_s = request.arrival_s + 0.001 * static_cast<double>(dice(0, 300));
  return trace;
}

void expect_answers(const Served& served, const Trace& trace) {
  for (const Request& request : trace) {
    const Answer& answer = served.answers[static_cast<std::size_t>(request.id)];
    ASSERT_NE(answer.state, AnswerState::unfinished);
    if (answer.state == AnswerState::answered)
      ASSERT_EQ(std::ssize(answer.tokens), request.new_tokens);
    else
      ASSERT_TRUE(request.cancel_s);
    if (!answer.deterministic) continue;
    const std::vector<std::int32_t> reference = ChainEngine::reference(request);
    ASSERT_TRUE(std::equal(answer.tokens.begin(), answer.tokens.end(), reference.begin()));
  }
}

TEST(RandomTraces, LeaveNoSlotTakenAndNoTokenWrong) {
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t rollbacks = 0;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    Dice dice(seed);
    const Trace trace = trace_of(dice);
    VirtualClock clock;
    ChainEngine::Options how{.slots = dice(1, 5), .capacity = 32, .flips = 0.04 * static_cast<double>(dice(0, 5))};
    if (dice(0, 9) == 0) how.fails_at = dice(0, 60);
    ChainEngine engine(how, clock);
    ServeOptions options;
    if (dice(0, 7) > 0) options.verify = PassShape{dice(1, 6), dice(1, 24)};
    options.fixed_batch = !options.verify && dice(0, 1) == 0;
    options.deterministic = 0.25 * static_cast<double>(dice(0, 4));
    Server server(engine, trace, options, clock);
    try {
      const Served served = server.run();
      expect_answers(served, trace);
      ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
      cancelled += served.metrics.cancelled;
      rollbacks += served.metrics.windows.rollbacks;
    } catch (const Error& error) {
      ASSERT_STREQ(error.what(), "the device is gone") << "seed " << seed;
      ++failed;
    }
    ASSERT_EQ(server.slots().taken(), 0) << "seed " << seed;
  }
  EXPECT_GT(failed, 100);
  EXPECT_GT(cancelled, 1000);
  EXPECT_GT(rollbacks, 10'000);
}

}  // namespace
}  // namespace gemmetry::run
