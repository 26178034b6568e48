#include "gemmetry/measure/subject.h"

#include <gtest/gtest.h>

#include <set>

#include "measure/fake_backend.h"

namespace gemmetry::measure {
namespace {

using shape::Dtype;

/// 2 * 128 * 128 + 128 * 128 elements of bf16: 96 KiB.
const op::Gemm square{1, 128, 128, 128};
constexpr std::int64_t square_bytes = 3 * 128 * 128 * 2;

Subject make(FakeBackend& backend, const op::Operator& op, Footing footing = {}) {
  return Subject(backend, backend.device, op, nullptr, footing);
}

StatusCode failure(FakeBackend& backend, const op::Operator& op) {
  try {
    make(backend, op);
  } catch (const BackendError& error) {
    return error.code();
  }
  return StatusCode::ok;
}

void expect_all_released(const FakeBackend& backend) {
  EXPECT_EQ(backend.allocated_bytes, 0);
  EXPECT_EQ(backend.plans, 0);
  EXPECT_EQ(backend.recordings, 0);
}

TEST(Subject, SetsExceedTwiceTheCache) {
  FakeBackend backend;
  const Subject subject = make(backend, square);
  EXPECT_EQ(subject.sets(), 22u);  // 2 MiB / 96 KiB = 21.3
  EXPECT_GE(backend.allocated_bytes, 2 * backend.device.l2_bytes);
  EXPECT_EQ(backend.calls["allocate"], 1);
  std::set<const void*> pointers;
  for (std::size_t set = 0; set < subject.sets(); ++set) {
    ASSERT_EQ(subject.calls(set).size(), 1u);
    for (int i = 0; i < 3; ++i) pointers.insert(subject.calls(set)[0].operands[i]);
    EXPECT_EQ(subject.calls(set)[0].workspace, nullptr);
  }
  EXPECT_EQ(pointers.size(), 3 * subject.sets());
}

TEST(Subject, TwoSetsAtLeastAndOneWhenWarm) {
  FakeBackend backend;
  EXPECT_EQ(make(backend, op::Gemm{1, 2048, 2048, 2048}).sets(), 2u);
  EXPECT_EQ(make(backend, square, {.warm = true}).sets(), 1u);
  expect_all_released(backend);
}

TEST(Subject, TinyOperandsStayWithinTheMostSets) {
  FakeBackend backend;
  EXPECT_EQ(make(backend, op::Gemm{1, 1, 1, 1}).sets(), static_cast<std::size_t>(max_sets));
  EXPECT_EQ(backend.calls["allocate"], 1);
}

TEST(Subject, ColdSetsByHand) {
  EXPECT_EQ(cold_sets(1e9, 50 << 20), 2);
  EXPECT_EQ(cold_sets(10 << 20, 50 << 20), 10);
  EXPECT_EQ(cold_sets(0, 50 << 20), max_sets);
  EXPECT_EQ(cold_sets(0, 0), 2);
}

TEST(Subject, FillsOperandsOfEverySetWithTheirSeeds) {
  FakeBackend backend;
  make(backend, op::Gemm{1, 2048, 2048, 2048}, {.seed = 40});
  EXPECT_EQ(backend.seeds, (std::vector<std::uint64_t>{40, 41, 40, 41}));
  EXPECT_EQ(backend.calls["prepare"], 0);
}

TEST(Subject, PreparesWhatTheForwardPassWouldHaveLeft) {
  FakeBackend backend;
  op::Attention attention;
  attention.queries = attention.keys = 1024;
  attention.heads = attention.kv_heads = 16;
  attention.backward = true;
  const Subject subject = make(backend, attention);
  EXPECT_EQ(backend.calls["prepare"], static_cast<std::int64_t>(subject.sets()));
  EXPECT_EQ(backend.seeds[3], Footing{}.seed + 5);  // q, k, v, then the output's gradient
}

TEST(Subject, ATableOfWhichLittleIsTouchedStillMovesFromSetToSet) {
  FakeBackend backend;
  backend.device.l2_bytes = 1 << 20;
  backend.memory_limit = std::int64_t{1} << 40;
  op::Embedding embedding;
  embedding.tokens = 64;
  embedding.width = 4096;  // 1 MiB touched of a 256 MiB table
  EXPECT_EQ(make(backend, embedding).sets(), 2u);
  embedding.tokens = 4;
  const std::size_t sets = make(backend, embedding).sets();
  EXPECT_GE(sets, 30u);
  EXPECT_LE(sets, 60u);  // 16 GB in all
}

TEST(Subject, TakesFewerSetsWhereMemoryIsSmall) {
  FakeBackend backend;
  backend.memory_limit = 5 * square_bytes;
  EXPECT_EQ(make(backend, square).sets(), 5u);
  backend.memory_limit = 2 * square_bytes;
  EXPECT_EQ(make(backend, square).sets(), 2u);
  backend.memory_limit = 2 * square_bytes - 1;
  EXPECT_EQ(failure(backend, square), StatusCode::out_of_memory);
  expect_all_released(backend);
}

TEST(Subject, OneSetServesWhenItFlushesTheCacheAlone) {
  FakeBackend backend;
  const op::Gemm large{1, 2048, 2048, 2048};  // 24 MiB beside an L2 of 1 MiB
  backend.memory_limit = 30 << 20;
  EXPECT_EQ(make(backend, large).sets(), 1u);
  backend.memory_limit = 20 << 20;
  EXPECT_EQ(failure(backend, large), StatusCode::out_of_memory);
}

TEST(Subject, AbsurdSizesAreOutOfMemory) {
  FakeBackend backend;
  EXPECT_EQ(failure(backend, op::Gemm{1, 1 << 30, 1 << 30, 1 << 30}), StatusCode::out_of_memory);
  EXPECT_EQ(backend.calls["allocate"], 0);
  expect_all_released(backend);
}

TEST(Subject, OperandsWithoutElementsAreNotFilled) {
  FakeBackend backend;
  const Subject subject = make(backend, op::Gemm{1, 0, 16, 16});
  EXPECT_EQ(backend.seeds.front(), Footing{}.seed + 1);
  EXPECT_NE(subject.calls(0)[0].operands[0], nullptr);
}

TEST(Subject, ASequenceSharesOneWorkspace) {
  FakeBackend backend;
  backend.menu[0].workspace_bytes = 1000;
  const std::vector<op::Operator> ops{square, op::Norm{64, 128}, op::Gemm{1, 64, 64, 64}};
  const Subject subject(backend, backend.device, ops, {}, {});
  EXPECT_EQ(backend.calls["allocate"], 2);
  EXPECT_EQ(subject.operators(), 3u);
  const auto calls = subject.calls(1);
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_NE(calls[0].workspace, nullptr);
  EXPECT_EQ(calls[0].workspace, calls[2].workspace);
  EXPECT_EQ(kind(FakeBackend::operator_of(calls[1].plan)), "norm");
}

TEST(Subject, PlansWithTheKeysThatAreGiven) {
  FakeBackend backend;
  backend.menu.push_back(FakeBackend::algorithm("second"));
  const Subject first = make(backend, square);
  const Subject second(backend, backend.device, square, "second", {});
  EXPECT_STREQ(first.algorithm().key, "first");
  EXPECT_STREQ(second.algorithm().key, "second");
  const std::vector<op::Operator> ops{square, square};
  const std::vector<std::string> keys{"", "second"};
  const Subject both(backend, backend.device, ops, keys, {});
  EXPECT_STREQ(both.algorithm(0).key, "first");
  EXPECT_STREQ(both.algorithm(1).key, "second");
  EXPECT_THROW(Subject(backend, backend.device, ops, std::vector<std::string>{"first"}, {}), Error);
  EXPECT_THROW(Subject(backend, backend.device, std::span<const op::Operator>(), {}, {}), Error);
}

TEST(Subject, AnotherAlgorithmStandsOnTheSameBuffers) {
  FakeBackend backend;
  backend.menu.push_back(FakeBackend::algorithm("second"));
  backend.menu[1].workspace_bytes = 512;
  auto first = std::make_unique<Subject>(backend, backend.device, square, nullptr, Footing{});
  const std::int64_t before = backend.allocated_bytes;
  const std::int64_t fills = backend.calls["fill"];
  auto second = std::make_unique<Subject>(*first, "second");
  EXPECT_EQ(backend.allocated_bytes, before + 512);
  EXPECT_EQ(backend.calls["fill"], fills);
  EXPECT_STREQ(second->algorithm().key, "second");
  ASSERT_EQ(second->sets(), first->sets());
  EXPECT_EQ(second->calls(3)[0].operands[2], first->calls(3)[0].operands[2]);
  first.reset();
  EXPECT_EQ(backend.allocated_bytes, before + 512);
  second.reset();
  expect_all_released(backend);
}

TEST(Subject, WhateverFailsEverythingIsReleased) {
  std::int64_t steps = 0;
  {
    FakeBackend backend;
    backend.menu[0].workspace_bytes = 100;
    make(backend, op::Norm{4096, 1024, shape::NormKind::layer_norm, true});
    steps = backend.calls[""];
  }
  ASSERT_GT(steps, 8);
  for (const StatusCode code : {StatusCode::failed, StatusCode::device_lost})
    for (std::int64_t nth = 1; nth <= steps; ++nth) {
      FakeBackend backend;
      backend.menu[0].workspace_bytes = 100;
      backend.fail_at("", nth, code);
      EXPECT_EQ(failure(backend, op::Norm{4096, 1024, shape::NormKind::layer_norm, true}), code) << nth;
      expect_all_released(backend);
    }
}

TEST(Subject, SaysWhatTheBackendRefuses) {
  FakeBackend backend;
  backend.refuse = [](const op::Operator&) { return FakeBackend::status(StatusCode::unsupported, "no fp8 here"); };
  try {
    make(backend, square);
    FAIL();
  } catch (const BackendError& error) {
    EXPECT_EQ(error.code(), StatusCode::unsupported);
    EXPECT_STREQ(error.what(), "no fp8 here");
  }
}

}  // namespace
}  // namespace gemmetry::measure
