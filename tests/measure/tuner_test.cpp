#include "gemmetry/measure/tuner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "gemmetry/measure/statistics.h"
#include "measure/fake_backend.h"

namespace gemmetry::measure {
namespace {

const op::Gemm square{1, 128, 128, 128};

Verdict right() { return {StatusCode::ok, true, 0.1, ""}; }

/// A device whose algorithms take as long as `times_s` says.
struct Bench {
  FakeBackend backend;
  ClockMonitor monitor{std::string()};
  std::map<std::string, double> times_s;
  Check check = [](Backend&, const op::Operator&, const Call&, std::uint64_t) { return right(); };

  explicit Bench(std::map<std::string, double> times) : times_s(std::move(times)) {
    for (const auto& [key, seconds] : times_s)
      if (key != "first") backend.menu.push_back(FakeBackend::algorithm(key));
    backend.seconds = [this](const auto&, const AlgorithmInfo& info) { return times_s.at(info.key); };
  }

  Tuning tune() {
    Tuner tuner(backend, backend.device, monitor, &backend.clock, check);
    return tuner.tune(square);
  }
};

TEST(Tuner, FindsTheFastest) {
  Bench bench({{"first", 10e-6}, {"a", 11e-6}, {"b", 8e-6}, {"c", 9e-6}});
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.first.key, "first");
  EXPECT_STREQ(tuning.best.key, "b");
  EXPECT_NEAR(tuning.first_s, 10e-6, 1e-12);
  EXPECT_NEAR(tuning.best_s, 8e-6, 1e-12);
  EXPECT_NEAR(tuning.gain(), 1.25, 1e-9);
  EXPECT_EQ(tuning.proposed, 4);
  EXPECT_TRUE(tuning.refused.empty());
  EXPECT_EQ(bench.backend.plans, 0);
  EXPECT_EQ(bench.backend.allocated_bytes, 0);
}

TEST(Tuner, OneOfMany) {
  std::map<std::string, double> times{{"first", 10e-6}};
  for (int i = 0; i < 40; ++i) times["a" + std::to_string(i)] = (9 + 0.05 * ((i * 7) % 40)) * 1e-6;
  Bench bench(times);
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.best.key, "a0");
  EXPECT_LT(bench.backend.clock.now_s() - 1000, 1.5);
}

TEST(Tuner, KeepsTheFirstChoiceWhereItIsTheBest) {
  Bench bench({{"first", 10e-6}, {"a", 11e-6}, {"b", 10e-6}});
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.best.key, "first");
  EXPECT_EQ(tuning.gain(), 1);
}

TEST(Tuner, AnOperatorWithOneAlgorithm) {
  Bench bench({{"first", 10e-6}});
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.best.key, "first");
  EXPECT_EQ(tuning.proposed, 1);
}

TEST(Tuner, WrongResultsAreRefusedHoweverFast) {
  Bench bench({{"first", 10e-6}, {"a", 5e-6}, {"b", 8e-6}});
  bench.check = [](Backend&, const op::Operator&, const Call& call, std::uint64_t) {
    const bool bad = std::string_view(call.plan->algorithm().key) == "a";
    return bad ? Verdict{StatusCode::ok, false, 3, "c[0] = 7"} : right();
  };
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.best.key, "b");
  ASSERT_EQ(tuning.refused.size(), 1u);
  EXPECT_EQ(tuning.refused[0], "a: c[0] = 7");
}

TEST(Tuner, AWrongFirstChoiceIsAnError) {
  Bench bench({{"first", 10e-6}, {"a", 5e-6}});
  bench.check = [](auto&&...) { return Verdict{StatusCode::ok, false, 3, "c[0] = 7"}; };
  try {
    bench.tune();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the first choice for a gemm, first, is wrong: c[0] = 7");
  }
}

TEST(Tuner, WhatCannotBePlannedIsLeftOut) {
  Bench bench({{"first", 10e-6}, {"a", 5e-6}, {"b", 8e-6}});
  bench.backend.fail_at("plan", 2, StatusCode::unsupported);
  const Tuning tuning = bench.tune();
  EXPECT_STREQ(tuning.best.key, "b");
  EXPECT_EQ(tuning.refused.size(), 1u);
}

TEST(Tuner, AWorkspaceWithoutMemoryIsLeftOut) {
  Bench bench({{"first", 10e-6}, {"a", 5e-6}});
  bench.backend.menu[1].workspace_bytes = bench.backend.memory_limit;
  EXPECT_STREQ(bench.tune().best.key, "first");
}

TEST(Tuner, ALostDeviceEndsIt) {
  for (std::int64_t nth : {2, 3, 9}) {
    Bench bench({{"first", 10e-6}, {"a", 5e-6}, {"b", 8e-6}});
    bench.backend.fail_at(nth == 9 ? "time" : "plan", nth, StatusCode::device_lost);
    try {
      bench.tune();
      FAIL() << nth;
    } catch (const BackendError& error) {
      EXPECT_EQ(error.code(), StatusCode::device_lost);
    }
    EXPECT_EQ(bench.backend.plans, 0);
    EXPECT_EQ(bench.backend.recordings, 0);
  }
  Bench bench({{"first", 10e-6}, {"a", 5e-6}});
  bench.check = [](auto&&...) { return Verdict{StatusCode::device_lost, false, 0, std::string(1000, 'x')}; };
  EXPECT_THROW(bench.tune(), BackendError);
}

TEST(Tuner, NoiseIsNotTakenForGain) {
  int changed = 0;
  std::vector<double> true_gains;
  for (int shape = 0; shape < 200; ++shape) {
    std::map<std::string, double> times{{"first", 10e-6}};
    for (int i = 0; i < 12; ++i)
      times["a" + std::to_string(i)] =
          10e-6 * (1.05 + 0.05 * static_cast<double>(random_uniform(5, static_cast<std::uint64_t>(shape * 12 + i))));
    Bench bench(times);
    bench.backend.noise = 0.02;
    bench.backend.noise_seed = static_cast<std::uint64_t>(shape) + 1;
    bench.backend.drift = 0.02;
    const Tuning tuning = bench.tune();
    true_gains.push_back(10e-6 / times.at(tuning.best.key));
    changed += std::strcmp(tuning.best.key, "first") != 0;
  }
  EXPECT_GE(quantile(true_gains, 0), 0.99);
  EXPECT_LE(changed, 10);
}

TEST(Tuner, FindsSmallGainsAmongNoise) {
  int found = 0;
  for (int shape = 0; shape < 50; ++shape) {
    Bench bench({{"first", 10e-6}, {"a", 9.7e-6}, {"b", 10.2e-6}, {"c", 10.1e-6}, {"d", 11e-6}, {"e", 10.5e-6}});
    bench.backend.noise = 0.01;
    bench.backend.noise_seed = static_cast<std::uint64_t>(shape) + 1;
    found += std::strcmp(bench.tune().best.key, "a") == 0;
  }
  EXPECT_GE(found, 48);
}

}  // namespace
}  // namespace gemmetry::measure
