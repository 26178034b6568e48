#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "error_of.h"
#include "gemmetry/run/serve/priced_engine.h"
#include "gemmetry/run/serve/server.h"
#include "gemmetry/run/verify/published_heatmap.h"
#include "gemmetry/run/verify/recompute_cost.h"

// Mismatches of known number: what the serving loop counts must be what theory says.

namespace gemmetry::run {
namespace {

constexpr std::int64_t length = 205;
constexpr double flips = 0.0045;

PassPrices prices() {
  return {.prefill_s = [](std::int64_t) { return 0.01; },
          .decode_s = [](std::int64_t, double) { return 0.01; },
          .verify_s = [](const PassShape&, double) { return 0.012; }};
}

ServeMetrics serve_synthetic(const PassShape& shape, DraftChange change, std::int64_t requests, double rate = 12) {
  TraceOptions trace;
  trace.requests = requests;
  trace.rate_per_s = rate;
  trace.prompt = {LengthKind::fixed, 8};
  trace.new_tokens = {LengthKind::fixed, length};
  trace.vocab = 100;
  VirtualClock clock;
  PricedEngine engine(512, 256, prices(), clock);
  ServeOptions options;
  options.verify = shape;
  options.change = std::move(change);
  return serve(engine, random_trace(trace), options, clock).metrics;
}

TEST(Calibration, ForcedMismatchesCostExactlyWhatTheyMust) {
  for (const PassShape& shape : usual_pass_shapes())
    for (const std::int64_t from_end : {std::int64_t{1}, std::int64_t{2}, shape.window / 2, shape.window}) {
      const WindowCount full = serve_synthetic(shape, forced_changes(from_end, shape.window), 20).full_windows;
      if (shape.window >= length) {
        EXPECT_EQ(full.windows, 0);
        continue;
      }
      EXPECT_GT(full.windows, 0);
      EXPECT_EQ(full.rollbacks, full.windows);
      EXPECT_EQ(full.rolled_back, full.windows * (from_end - 1));
      EXPECT_EQ(full.kept, full.windows * (shape.window - from_end + 1));
    }
}

/// Tokens rolled back by windows of the lengths that were verified, on average.
double expected_of_windows(const ServeMetrics& metrics) {
  double expected = 0;
  for (const auto& [tokens, count] : metrics.windows_by_tokens)
    expected += static_cast<double>(count) * rolled_back_of_window(flips, tokens);
  return expected;
}

TEST(Calibration, BernoulliLandsOnTheRecursionAndOnThePublishedHeatmap) {
  const PublishedHeatmap published = published_heatmap();
  ASSERT_EQ(published.cells.size(), 21u);
  for (const PassShape& shape : usual_pass_shapes()) {
    SCOPED_TRACE(fmt::format("{} x {}", shape.batch, shape.window));
    // Hundreds are live, as in the published run: few are verified early then.
    const ServeMetrics metrics = serve_synthetic(shape, bernoulli_changes(flips, 5), 3000, 200);
    const auto rollbacks = static_cast<double>(metrics.windows.rollbacks);
    EXPECT_GT(rollbacks, 2500);
    // What one mismatch throws away spreads over 0 to W - 1: E[x^2] / E[x]^2 = 4/3.
    const double counting_error = 4 * std::sqrt(4.0 / 3 / rollbacks);
    EXPECT_NEAR(metrics.recompute_cost() / recompute_cost(flips, shape.window, length), 1, counting_error);
    EXPECT_NEAR(static_cast<double>(metrics.windows.rolled_back) / expected_of_windows(metrics), 1, counting_error);
    EXPECT_NEAR(*metrics.flip_rate() / flips, 1, 4 / std::sqrt(rollbacks));
    EXPECT_NEAR(*metrics.inverted_flip_rate(shape.window) / flips, 1, 1.2 * counting_error);
    ASSERT_NE(published.find(shape), nullptr);
    if (shape.window <= 256) EXPECT_NEAR(metrics.recompute_cost(), published.find(shape)->recompute_cost, 0.035);
  }
}

TEST(Calibration, VerifiedEarlyWindowsThrowAwayWhatTheirOwnLengthsSay) {
  for (const PassShape& shape : {PassShape{8, 64}, {32, 16}, {4, 128}}) {
    const ServeMetrics metrics = serve_synthetic(shape, bernoulli_changes(flips, 6), 3000, 4);
    EXPECT_GT(metrics.early_windows, metrics.windows.windows / 2) << "few are live";
    EXPECT_LT(metrics.recompute_cost(), recompute_cost(flips, shape.window, length));
    EXPECT_NEAR(static_cast<double>(metrics.windows.rolled_back) / expected_of_windows(metrics), 1, 0.1);
    EXPECT_NEAR(*metrics.flip_rate() / flips, 1, 0.08);
  }
}

TEST(Calibration, SaysWhatIsWrong) {
  EXPECT_NE(error_of([] { bernoulli_changes(1.5, 1); }).find("probability 1.5"), std::string::npos);
  EXPECT_NE(error_of([] { forced_changes(0, 16); }).find("state 1 to 16"), std::string::npos);
  EXPECT_NE(error_of([] { forced_changes(17, 16); }).find("state 1 to 16"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::run
