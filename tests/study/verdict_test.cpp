#include "gemmetry/study/verdict.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "study/made_up_claims.h"

namespace gemmetry::study {
namespace {

using namespace test;

TEST(Verdict, LeavesMissingPointsOutAndCountsThem) {
  MadeUpStudy study = two_levels(2, 4);
  study.missing(6, "not recorded");
  study.missing(7, "not recorded");
  Verdict verdict = study.judge(even_over_odd(1.5));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_EQ(verdict.points, 4u);
  EXPECT_TRUE(says(verdict.reason, "; 2 points are missing"));

  MadeUpStudy half;
  half.add(2, 100);
  half.missing(3, "not recorded: no record of gemm");
  verdict = half.judge(even_over_odd(1.5));
  EXPECT_EQ(verdict.standing, Standing::not_tested);
  EXPECT_FALSE(verdict.merit);
  EXPECT_EQ(verdict.reason, "none of 1 point is known: not recorded: no record of gemm");
}

TEST(Verdict, IsOfGpusWithTheClaimsMultiprocessorsAlone) {
  MadeUpStudy study = two_levels(2, 4);
  study.judge(even_over_odd(1.5));
  study.study.claims.front().sms = 108;
  const auto standing = [&](std::optional<std::int64_t> sms) {
    return judge(study.study, study.points, study.outcomes, sms).front();
  };
  EXPECT_EQ(standing(108).standing, Standing::holds);
  EXPECT_EQ(standing(std::nullopt).standing, Standing::holds);
  EXPECT_EQ(standing(132).standing, Standing::not_tested);
  EXPECT_EQ(standing(132).reason, "it is about GPUs with 108 SMs, this one has 132");
  EXPECT_EQ(standing(132).claim->id, "claim");
}

TEST(Verdict, IsNotTestedWithoutPoints) {
  const Condition conditions[] = {
      even_over_odd(2),
      OrderingCondition{.of = {}, .by = formula("x")},
      MonotoneCondition{},
      PeriodCondition{.of = {}, .period = formula("8")},
      SaturationCondition{.of = {}, .from = formula("4")},
      LinearCondition{.of = {}, .along = formula("x")},
  };
  for (const Condition& condition : conditions) {
    const Verdict empty = MadeUpStudy().judge(condition);
    EXPECT_EQ(empty.standing, Standing::not_tested);
    EXPECT_TRUE(says(empty.reason, "no point is selected"));

    MadeUpStudy single;
    single.add(4, 100);
    EXPECT_EQ(single.judge(condition).standing, Standing::not_tested) << condition.index();

    MadeUpStudy missing;
    for (std::int64_t x = 1; x < 9; ++x) missing.missing(x, "the device cannot");
    EXPECT_EQ(missing.judge(condition).standing, Standing::not_tested);
    EXPECT_TRUE(says(missing.judge(condition).reason, "the device cannot"));
  }
}

/// Claims of each type that hold, hold in part and do not.
std::vector<std::pair<MadeUpStudy, Condition>> cases() {
  return {{two_levels(2), even_over_odd(1.5)},
          {two_levels(1.2), even_over_odd(1.5)},
          {two_levels(0.8), even_over_odd(1.5)},
          {groups({1, 2, 4, 8}), ordered(Direction::up)},
          {groups({1, 4, 2, 8}), ordered(Direction::up)},
          {groups({8, 4, 2, 1}), ordered(Direction::up)},
          {line(growing(1.1)), up},
          {line(growing(0.9)), up},
          {waves(0.1), every("10")},
          {waves(0.012), every("10")},
          {waves(0.1), every("7")},
          {saturating(1), from("10")},
          {saturating(5), from("10")},
          {straight(0), along_x},
          {straight(0.3), along_x},
          {straight(0.3, 4), along_x}};
}

TEST(Verdict, DoesNotDependOnUnitsOrOrder) {
  for (auto& [study, condition] : cases()) {
    const Verdict verdict = study.judge(condition);
    for (const double factor : {1e-6, 1000.0}) {
      MadeUpStudy scaled = study;
      scaled.scale(factor);
      EXPECT_EQ(scaled.judge(condition).standing, verdict.standing);
      EXPECT_NEAR(scaled.judge(condition).merit.value(), verdict.merit.value(), 1e-9);
    }
    MadeUpStudy shuffled = study;
    shuffled.shuffle();
    EXPECT_EQ(shuffled.judge(condition).reason, verdict.reason);
  }
}

TEST(Verdict, DoesNotDependOnRepeatedPoints) {
  for (auto& [study, condition] : cases()) {
    MadeUpStudy twice = study;
    twice.points.insert(twice.points.end(), study.points.begin(), study.points.end());
    twice.outcomes.insert(twice.outcomes.end(), study.outcomes.begin(), study.outcomes.end());
    const Verdict verdict = study.judge(condition);
    EXPECT_EQ(twice.judge(condition).standing, verdict.standing) << verdict.reason;
    EXPECT_NEAR(twice.judge(condition).merit.value(), verdict.merit.value(), 1e-9);
  }
}

TEST(Verdict, OfTheMirroredClaimIsTheSame) {
  // Throughput one way is time the other way.
  for (auto& [study, condition] : cases()) {
    MadeUpStudy mirrored = study;
    mirrored.study.chart.y = Quantity::time;
    Condition mirror = condition;
    if (auto* ratio = std::get_if<RatioCondition>(&mirror)) {
      ratio->at_most = 1 / *ratio->at_least;
      ratio->at_least.reset();
    } else if (auto* ordering = std::get_if<OrderingCondition>(&mirror)) {
      ordering->direction = Direction::down;
    } else if (auto* monotone = std::get_if<MonotoneCondition>(&mirror)) {
      monotone->direction = Direction::down;
    }
    EXPECT_EQ(mirrored.judge(mirror).standing, study.judge(condition).standing) << study.judge(condition).reason;
  }
}

TEST(Verdict, OfTheOppositeClaimIsNo) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    MadeUpStudy study = line(growing(seed % 2 ? 1.05 : 1 / 1.05));
    study.add_noise(0.05, seed);
    EXPECT_NE(study.judge(up).standing == Standing::does_not_hold,
              study.judge(down).standing == Standing::does_not_hold);
    const OrderingCondition rising{.of = {}, .by = formula("x"), .direction = Direction::up};
    const OrderingCondition falling{.of = {}, .by = formula("x"), .direction = Direction::down};
    EXPECT_NE(study.judge(rising).standing == Standing::does_not_hold,
              study.judge(falling).standing == Standing::does_not_hold);
  }
  MadeUpStudy study = two_levels(1.8);
  RatioCondition swapped = even_over_odd({}, 1 / 1.5);
  std::swap(swapped.of, swapped.over);
  EXPECT_EQ(study.judge(swapped).standing, Standing::holds);
}

TEST(Verdict, StandsForEachClaimInTheirOrder) {
  MadeUpStudy made = two_levels(2);
  made.study.claims = {{"first", "", even_over_odd(1.5)}, {"second", "", even_over_odd({}, 0.5)}};
  const std::vector<Verdict> verdicts = judge(made.study, made.points, made.outcomes);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].claim->id, "first");
  EXPECT_EQ(name(verdicts[0].standing), "holds");
  EXPECT_EQ(name(verdicts[1].standing), "does not hold");
  EXPECT_EQ(name(Standing::holds_in_part), "holds in part");
  EXPECT_EQ(name(Standing::not_tested), "could not be tested");
}

}  // namespace
}  // namespace gemmetry::study
