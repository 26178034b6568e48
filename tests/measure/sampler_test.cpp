#include "gemmetry/measure/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <set>

#include "gemmetry/measure/statistics.h"
#include "measure/fake_backend.h"

namespace gemmetry::measure {
namespace {

const op::Gemm square{1, 128, 128, 128};
const op::Gemm other{1, 256, 128, 128};

struct Bench {
  FakeBackend backend;
  ClockMonitor monitor{std::string()};
  Sampling sampling;

  std::unique_ptr<Subject> subject(const op::Operator& op, Footing footing = {}) {
    return std::make_unique<Subject>(backend, backend.device, op, nullptr, footing);
  }

  Measurement measure(double seconds, Footing footing = {}) {
    backend.seconds = [=](const auto&, const auto&) { return seconds; };
    const auto one = subject(square, footing);
    Sampler sampler(backend, monitor, sampling, &backend.clock);
    return sampler.measure(*one);
  }

  /// Of the replays that were samples: the last ones.
  std::vector<double> idle_before_samples(std::size_t samples) const {
    return {backend.idle_before_s.end() - static_cast<std::ptrdiff_t>(samples), backend.idle_before_s.end()};
  }
};

TEST(Sampler, StopsAsSoonAsItIsPrecise) {
  Bench bench;
  const Measurement result = bench.measure(10e-6);
  EXPECT_EQ(result.ending, Ending::precision);
  EXPECT_EQ(result.samples_s.size(), 5u);
  EXPECT_EQ(result.precision, 0);
  EXPECT_EQ(result.calls_per_sample, 100);
  EXPECT_NEAR(result.median_s, 10e-6, 1e-15);
  EXPECT_NEAR(result.p10_s, 10e-6, 1e-15);
  EXPECT_NEAR(result.p90_s, 10e-6, 1e-15);
  EXPECT_FALSE(result.clocks.clock_mhz);
}

TEST(Sampler, RestsBeforeEachBurst) {
  Bench bench;
  const Measurement result = bench.measure(10e-6);
  for (const double idle : bench.idle_before_samples(result.samples_s.size())) EXPECT_GE(idle, 3e-3 - 1e-12);
}

TEST(Sampler, TakesLittleTime) {
  Bench bench;
  bench.measure(100e-6);
  EXPECT_LT(bench.backend.clock.now_s() - 1000, 0.03);
}

TEST(Sampler, TakesMoreSamplesOfNoisyTimes) {
  Bench bench;
  bench.backend.noise = 0.05;
  const Measurement result = bench.measure(10e-6);
  EXPECT_EQ(result.ending, Ending::precision);
  EXPECT_GT(result.samples_s.size(), 10u);
  EXPECT_LE(result.precision, 0.01);
  EXPECT_EQ(result.precision, median_precision(result.samples_s));
  EXPECT_NEAR(result.median_s, 10e-6, 0.2e-6);
  EXPECT_LT(result.p10_s, result.median_s);
  EXPECT_GT(result.p90_s, result.median_s);
}

TEST(Sampler, SaysWhenTheTimeEndsIt) {
  Bench bench;
  bench.backend.noise = 0.5;
  bench.sampling.time_cap_s = 0.04;
  const Measurement result = bench.measure(10e-6);
  EXPECT_EQ(result.ending, Ending::time_cap);
  EXPECT_GE(result.samples_s.size(), 9u);
  EXPECT_LE(result.samples_s.size(), 11u);
}

TEST(Sampler, SaysWhenTheNumberEndsIt) {
  Bench bench;
  bench.backend.noise = 0.5;
  bench.sampling.max_samples = 7;
  const Measurement result = bench.measure(10e-6);
  EXPECT_EQ(result.ending, Ending::samples);
  EXPECT_EQ(result.samples_s.size(), 7u);
}

TEST(Sampler, OneSampleOfWhatIsLongerThanTheCap) {
  Bench bench;
  const Measurement result = bench.measure(3);
  EXPECT_EQ(result.ending, Ending::time_cap);
  EXPECT_EQ(result.samples_s.size(), 1u);
  EXPECT_EQ(result.precision, 1);
  EXPECT_EQ(result.calls_per_sample, 1);
}

class ReplayLength : public testing::TestWithParam<double> {};

TEST_P(ReplayLength, IsAMillisecondUnlessCallsAreTooShortOrTooLong) {
  const double seconds = GetParam();
  Bench bench;
  const Measurement result = bench.measure(seconds);
  const double replay = seconds * result.calls_per_sample;
  EXPECT_NEAR(result.median_s, seconds, 1e-6 * seconds);
  if (seconds > 1e-3)
    EXPECT_EQ(result.calls_per_sample, 1);
  else if (seconds < 0.5e-6)
    EXPECT_EQ(result.calls_per_sample, max_calls);
  else
    EXPECT_NEAR(replay, 1e-3, 0.5e-3);
}

INSTANTIATE_TEST_SUITE_P(Sampler, ReplayLength,
                         testing::Values(0.1e-6, 1e-6, 2.5e-6, 30e-6, 333e-6, 700e-6, 1.4e-3, 20e-3));

TEST(Sampler, MendsAnEstimateThatTheHostMadeLong) {
  Bench bench;
  int runs = 0;
  bench.backend.seconds = [&](const auto&, const auto&) { return runs++ == 0 ? 20e-3 : 2e-6; };  // loads code first
  const auto subject = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {}, &bench.backend.clock);
  EXPECT_EQ(sampler.measure(*subject).calls_per_sample, 500);
}

TEST(Sampler, MendsAnEstimateThatTheCacheMadeShort) {
  Bench bench;
  int runs = 0;
  bench.backend.seconds = [&](const auto&, const auto&) { return runs++ == 0 ? 2e-6 : 200e-6; };
  const auto subject = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {}, &bench.backend.clock);
  EXPECT_EQ(sampler.measure(*subject).calls_per_sample, 5);
}

TEST(Sampler, ReplaysGoOverAllSets) {
  Bench bench;
  const auto subject = bench.subject(square);  // 22 sets
  const std::size_t sets = subject->sets();
  {
    Arm arm(bench.backend, *subject, 1e-3, false);  // 100 executions
    EXPECT_EQ(bench.backend.operands_of_last_record.size(), sets);
    EXPECT_EQ(bench.backend.recordings, 1);
  }
  bench.backend.seconds = [](const auto&, const auto&) { return 200e-6; };
  {
    Arm arm(bench.backend, *subject, 1e-3, false);  // 5 executions
    EXPECT_EQ(arm.executions(), 5);
    EXPECT_EQ(bench.backend.recordings, 5);  // 22 sets in fives
  }
  {
    Arm arm(bench.backend, *subject, 1e-3, true);
    EXPECT_EQ(arm.executions(), 22);
    EXPECT_EQ(bench.backend.recordings, 1);
  }
  EXPECT_EQ(bench.backend.recordings, 0);
}

TEST(Sampler, OneSetWhenWarm) {
  Bench bench;
  EXPECT_EQ(bench.measure(200e-6, {.warm = true}).calls_per_sample, 5);
  EXPECT_EQ(bench.backend.operands_of_last_record.size(), 1u);
}

TEST(Sampler, TimesASequenceAsOneExecution) {
  Bench bench;
  const std::vector<op::Operator> ops{square, other, square};
  const Subject subject(bench.backend, bench.backend.device, ops, {}, {});
  Sampler sampler(bench.backend, bench.monitor, {}, &bench.backend.clock);
  const Measurement result = sampler.measure(const_cast<Subject&>(subject));
  EXPECT_NEAR(result.median_s, 30e-6, 1e-12);
  EXPECT_EQ(result.calls_per_sample, 33);
}

TEST(Sampler, MeasuresTheEmptyRecordingOnce) {
  Bench bench;
  bench.backend.overhead_s = 4e-6;
  const auto subject = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {}, &bench.backend.clock);
  EXPECT_NEAR(sampler.measure(*subject).overhead_s, 4e-6, 1e-12);
  const auto records = bench.backend.calls["record"];
  EXPECT_NEAR(sampler.measure(*subject).overhead_s, 4e-6, 1e-12);
  EXPECT_EQ(bench.backend.calls["record"], records + 2);  // the estimate's and the replays'
}

TEST(Sampler, OverheadIsZeroWhereNothingEmptyIsRecorded) {
  Bench bench;
  bench.backend.records_nothing = false;
  bench.backend.overhead_s = 4e-6;
  EXPECT_EQ(bench.measure(10e-6).overhead_s, 0);
}

TEST(Sampler, AlternatesInChangingOrderWithAsManySamplesOfEach) {
  Bench bench;
  bench.backend.noise = 0.02;
  bench.backend.seconds = [](const op::Operator& op, const auto&) { return op::flop(op) / 4e11; };
  const auto a = bench.subject(square);
  const auto b = bench.subject(other);
  Sampler sampler(bench.backend, bench.monitor, {.min_samples = 30}, &bench.backend.clock);
  const auto results = sampler.alternate({a.get(), b.get()});
  ASSERT_EQ(results.size(), 2u);
  const std::size_t samples = results[0].samples_s.size();
  EXPECT_EQ(results[1].samples_s.size(), samples);
  EXPECT_NEAR(results[1].median_s / results[0].median_s, 2, 0.05);
  EXPECT_NEAR(results[0].calls_per_sample, 2 * results[1].calls_per_sample, 4);

  const auto& timed = bench.backend.timed;
  std::size_t first = 0;
  for (std::size_t round = 0; round < samples; ++round) {
    const auto* one = timed[timed.size() - 2 * samples + 2 * round].front();
    const auto* two = timed[timed.size() - 2 * samples + 2 * round + 1].front();
    EXPECT_NE(one, two);
    first += one == a->calls(0)[0].plan;
  }
  EXPECT_GT(first, samples / 5);
  EXPECT_LT(first, samples - samples / 5);
  for (const double idle : bench.idle_before_samples(2 * samples)) EXPECT_GE(idle, 3e-3 - 1e-12);
}

TEST(Sampler, DriftMeetsAllArmsAlike) {
  Bench bench;
  bench.backend.drift = 0.5;  // half as slow again within a second
  const auto a = bench.subject(square);
  const auto b = bench.subject(square);
  const auto c = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {.min_samples = 40}, &bench.backend.clock);
  const auto results = sampler.alternate({a.get(), b.get(), c.get()});
  EXPECT_NEAR(results[1].median_s / results[0].median_s, 1, 0.005);
  EXPECT_NEAR(results[2].median_s / results[0].median_s, 1, 0.005);
}

TEST(Sampler, NothingToMeasure) {
  Bench bench;
  Sampler sampler(bench.backend, bench.monitor, {}, &bench.backend.clock);
  EXPECT_TRUE(sampler.alternate({}).empty());
}

TEST(Sampler, SoaksUntilTheTimeIsFlat) {
  Bench bench;
  bench.backend.slowdown = 0.2;
  bench.backend.soak_s = 0.5;
  bench.sampling.clocks = gpu::Clocks::sustained;
  const Measurement result = bench.measure(10e-6);
  EXPECT_GT(bench.backend.busy_s, 1.5);
  EXPECT_LT(bench.backend.busy_s, 5);
  EXPECT_NEAR(result.median_s, 12e-6, 0.01 * 12e-6);
  for (const double idle : bench.idle_before_samples(1)) EXPECT_EQ(idle, 0);
  EXPECT_GT(bench.backend.replayed.back(), 1);
}

TEST(Sampler, BurstsAreNotSlowedDown) {
  Bench bench;
  bench.backend.slowdown = 0.2;
  bench.backend.soak_s = 0.5;
  EXPECT_NEAR(bench.measure(10e-6).median_s, 10e-6, 0.01 * 10e-6);
}

TEST(Sampler, SoaksAWarmDeviceUntilItsTimeIsFlat) {
  Bench bench;
  bench.backend.slowdown = 0.2;
  const auto subject = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {.clocks = gpu::Clocks::sustained}, &bench.backend.clock);
  const double first_s = sampler.measure(*subject).median_s;
  const auto busy_in = [&](double pause_s) {
    bench.backend.clock.wait_s(pause_s);
    const double before = bench.backend.busy_s;
    EXPECT_NEAR(sampler.measure(*subject).median_s, first_s, 0.01 * first_s);
    return bench.backend.busy_s - before;
  };
  const double at_once = busy_in(0.01);
  EXPECT_GT(at_once, 1.2);  // a second, and a quarter that is sampled
  EXPECT_LT(at_once, 1.6);
  const double after_a_pause = busy_in(0.4);
  EXPECT_GT(after_a_pause, at_once);
  EXPECT_LT(after_a_pause, 4.5);
  EXPECT_GT(busy_in(60), 1.2);
}

TEST(Sampler, SustainedSamplesSpanSwingsOfTheClock) {
  Bench bench;
  bench.sampling.clocks = gpu::Clocks::sustained;
  const Measurement result = bench.measure(10e-6);
  EXPECT_GE(static_cast<double>(result.samples_s.size()) * result.calls_per_sample * result.median_s, 0.24);
}

TEST(Sampler, SoaksUntilTheClockIsFlat) {
  struct Falling : ClockSource {
    explicit Falling(std::atomic<double>& c) : clock_mhz(c) {}
    ClockSample read() override { return {clock_mhz, {}, {}, {}, 0x4}; }
    std::optional<double> max_clock_mhz() override { return 2000; }
    std::atomic<double>& clock_mhz;
  };
  std::atomic<double> clock_mhz{2000};
  FakeBackend backend;
  backend.seconds = [&](const auto&, const auto&) {
    clock_mhz = std::max(1500.0, 2000 - 100 * backend.busy_s);  // for five seconds
    return 10e-6;
  };
  ClockMonitor monitor(std::make_unique<Falling>(clock_mhz));
  Subject subject(backend, backend.device, square, nullptr, {});
  Sampler sampler(backend, monitor, {.clocks = gpu::Clocks::sustained}, &backend.clock);
  const Measurement result = sampler.measure(subject);
  EXPECT_GT(backend.busy_s, 5);
  EXPECT_LT(backend.busy_s, 7);
  EXPECT_EQ(result.clocks.clock_mhz, 1500);
  EXPECT_EQ(result.clocks.throttle, "power");
}

/// The SM clock, as a function of the host's virtual time.
struct ClockAt : ClockSource {
  explicit ClockAt(std::function<double()> get) : get_mhz(std::move(get)) {}
  ClockSample read() override { return {get_mhz(), {}, {}, {}, 0}; }
  std::optional<double> max_clock_mhz() override { return 2000; }
  std::function<double()> get_mhz;
};

TEST(Sampler, AThrottledBurstIsTakenAgainAfterARest) {
  FakeBackend backend;
  std::atomic<bool> throttled = true;
  const double began_s = backend.clock.now_s();
  backend.seconds = [&](const auto&, const auto&) {
    throttled = backend.clock.now_s() - began_s < 0.06;
    return throttled ? 14e-6 : 10e-6;
  };
  ClockMonitor monitor(std::make_unique<ClockAt>([&] { return throttled ? 1600.0 : 1980.0; }));
  Subject subject(backend, backend.device, square, nullptr, {});
  Sampler sampler(backend, monitor, {}, &backend.clock);
  const Measurement result = sampler.measure(subject);
  EXPECT_NEAR(result.median_s, 10e-6, 1e-12);
  EXPECT_EQ(result.clocks.clock_low_mhz, 1980);
}

TEST(Sampler, ABurstThatStaysThrottledIsKeptWithItsClock) {
  FakeBackend backend;
  backend.seconds = [](const auto&, const auto&) { return 14e-6; };
  const double began_s = backend.clock.now_s();
  ClockMonitor monitor(std::make_unique<ClockAt>([] { return 1600.0; }));
  Subject subject(backend, backend.device, square, nullptr, {});
  Sampler sampler(backend, monitor, {}, &backend.clock);
  const Measurement result = sampler.measure(subject);
  EXPECT_EQ(result.samples_s.size(), 5u);
  EXPECT_EQ(result.clocks.clock_mhz, 1600);
  EXPECT_LT(backend.clock.now_s(), began_s + 0.5) << "it does not rest forever";
}

TEST(Sampler, SoakingEndsThoughNothingIsEverFlat) {
  Bench bench;
  bench.backend.drift = 0.3;
  bench.sampling.clocks = gpu::Clocks::sustained;
  bench.measure(1e-3);
  EXPECT_LT(bench.backend.busy_s, 35);
}

TEST(Sampler, AlternatesWhileSoaked) {
  Bench bench;
  bench.backend.slowdown = 0.2;
  const auto a = bench.subject(square);
  const auto b = bench.subject(square);
  Sampler sampler(bench.backend, bench.monitor, {.clocks = gpu::Clocks::sustained}, &bench.backend.clock);
  const auto results = sampler.alternate({a.get(), b.get()});
  EXPECT_EQ(results[0].samples_s.size(), results[1].samples_s.size());
  EXPECT_NEAR(results[0].median_s, 12e-6, 0.12e-6);
  EXPECT_NEAR(results[1].median_s, results[0].median_s, 0.01e-6);
}

TEST(Sampler, AFailureIsThrownAndLeavesNothingBehind) {
  for (const char* function : {"record", "time"})
    for (std::int64_t nth = 2; nth <= 3; ++nth)
      for (const StatusCode code : {StatusCode::failed, StatusCode::device_lost}) {
        Bench bench;
        bench.backend.fail_at(function, nth, code);
        try {
          bench.measure(10e-6);
          FAIL() << function << nth;
        } catch (const BackendError& error) {
          EXPECT_EQ(error.code(), code);
        }
        EXPECT_EQ(bench.backend.recordings, 0);
        EXPECT_EQ(bench.backend.plans, 0);
        EXPECT_EQ(bench.backend.allocated_bytes, 0);
      }
}

TEST(Sampler, ADeviceLostByTheEmptyRecordingIsLost) {
  Bench bench;
  bench.backend.fail_at("time", 1, StatusCode::device_lost);
  EXPECT_THROW(bench.measure(10e-6), BackendError);
}

}  // namespace
}  // namespace gemmetry::measure
