#include "gemmetry/run/serve/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error_of.h"

namespace gemmetry::run {
namespace {

TraceOptions options(std::int64_t requests = 20'000) {
  TraceOptions options;
  options.requests = requests;
  options.rate_per_s = 12;
  options.prompt = {LengthKind::fixed, 3};
  options.new_tokens = {LengthKind::fixed, 2};
  options.vocab = 100;
  return options;
}

TEST(RandomTrace, ArrivesAsAPoissonProcess) {
  const Trace trace = random_trace(options());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < trace.size(); ++i) {
    const double gap = trace[i].arrival_s - trace[i - 1].arrival_s;
    ASSERT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
  }
  const double mean = sum / static_cast<double>(trace.size() - 1);
  EXPECT_NEAR(mean * 12, 1, 0.03);
  EXPECT_NEAR(squares / static_cast<double>(trace.size() - 1) / (2 * mean * mean), 1, 0.08) << "exponential gaps";
}

TEST(RandomTrace, DependsOnItsSeedAlone) {
  const Trace a = random_trace(options(5));
  const Trace b = random_trace(options(5));
  TraceOptions other = options(5);
  other.seed = 2;
  EXPECT_EQ(a[4].prompt, b[4].prompt);
  EXPECT_EQ(a[4].arrival_s, b[4].arrival_s);
  EXPECT_NE(a[4].prompt, random_trace(other)[4].prompt);
  EXPECT_NE(a[4].prompt, a[3].prompt);
}

double mean_length(const Lengths& lengths) {
  double sum = 0;
  for (std::uint64_t i = 0; i < 50'000; ++i) sum += static_cast<double>(lengths.at(3, i));
  return sum / 50'000;
}

TEST(Lengths, HaveTheirMean) {
  EXPECT_EQ(mean_length({LengthKind::fixed, 205}), 205);
  EXPECT_NEAR(mean_length({LengthKind::uniform, 205}), 205, 2);
  EXPECT_NEAR(mean_length({LengthKind::lognormal, 205, 1}), 205, 6);
  EXPECT_NEAR(mean_length({LengthKind::lognormal, 205, 0}), 205, 1e-9);
  EXPECT_EQ(mean_length({LengthKind::uniform, 1}), 1);
}

TEST(Lengths, KeepToTheirLimits) {
  const Lengths lengths{LengthKind::lognormal, 50, 2, 80};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    EXPECT_GE(lengths.at(1, i), 1);
    EXPECT_LE(lengths.at(1, i), 80);
  }
}

TEST(Reordered, HasTheSameRequestsAtOtherTimes) {
  Trace trace = random_trace(options(50));
  trace[7].cancel_s = trace[7].arrival_s + 0.5;
  const Trace other = reordered(trace, 12, 9);
  require_valid(other, 100);
  std::vector<std::int64_t> order;
  for (const Request& request : other) {
    order.push_back(request.id);
    EXPECT_EQ(request.prompt, trace[static_cast<std::size_t>(request.id)].prompt);
    EXPECT_EQ(request.seed, trace[static_cast<std::size_t>(request.id)].seed);
    if (request.id == 7) EXPECT_NEAR(*request.cancel_s - request.arrival_s, 0.5, 1e-9);
  }
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Trace, SaysWhichRequestIsWrong) {
  const auto error = [](auto change) {
    Trace trace = random_trace(options(3));
    change(trace);
    return error_of([&] { require_valid(trace, 8, "my.csv"); });
  };
  const auto expect = [&](auto change, const std::string& says) {
    const std::string message = error(change);
    EXPECT_TRUE(message.starts_with("my.csv: ")) << message;
    EXPECT_NE(message.find(says), std::string::npos) << message;
  };
  expect([](Trace& t) { t.clear(); }, "no request");
  expect([](Trace& t) { t[0].arrival_s = -1; }, "request 1: arrival_s = -1");
  expect([](Trace& t) { t[1].arrival_s = std::nan(""); }, "request 2: arrival_s = nan");
  expect([](Trace& t) { t[1].arrival_s = std::numeric_limits<double>::infinity(); }, "arrival_s = inf");
  expect([](Trace& t) { t[2].arrival_s = 0; }, "request 3: arrival_s = 0 is before");
  expect([](Trace& t) { t[2].prompt.clear(); }, "request 3: its prompt has no tokens");
  expect([](Trace& t) { t[0].new_tokens = 0; }, "new_tokens = 0");
  expect([](Trace& t) { t[0].new_tokens = 6; }, "longer than a slot of 8");
  expect([](Trace& t) { t[0].cancel_s = 0; }, "cancel_s = 0");
  EXPECT_EQ(error([](Trace& t) { t[0].new_tokens = 5; }), "") << "a slot that is just full";
}

TEST(RandomTrace, SaysWhatIsWrong) {
  const auto error = [](auto change) {
    TraceOptions changed = options(3);
    change(changed);
    return error_of([&] { random_trace(changed); });
  };
  EXPECT_NE(error([](TraceOptions& o) { o.requests = 0; }).find("0 requests"), std::string::npos);
  EXPECT_NE(error([](TraceOptions& o) { o.rate_per_s = 0; }).find("0 requests a second"), std::string::npos);
  EXPECT_NE(error([](TraceOptions& o) { o.rate_per_s = std::nan(""); }).find("rate over 0"), std::string::npos);
  EXPECT_NE(error([](TraceOptions& o) { o.prompt.mean = 0; }).find("prompts of 0"), std::string::npos);
  EXPECT_NE(error([](TraceOptions& o) { o.new_tokens.spread = -1; }).find("spread of -1"), std::string::npos);
  EXPECT_NE(error([](TraceOptions& o) { o.vocab = 0; }).find("vocabulary of 0"), std::string::npos);
}

}  // namespace
}  // namespace gemmetry::run
