#include <gtest/gtest.h>

#include "gemmetry/study/verdict.h"
#include "study/made_up_claims.h"

namespace gemmetry::study {
namespace {

using namespace test;

TEST(Verdict, OfARatioComparesMedians) {
  MadeUpStudy study = two_levels(1.82);
  const Verdict verdict = study.judge(even_over_odd(1.5));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 1.82, 1e-12);
  EXPECT_EQ(verdict.merit_name, "ratio of medians");
  EXPECT_EQ(verdict.reason,
            "throughput is 1.82 times as high (median of 10 over median of 10 points), at least 1.5 was claimed");
  EXPECT_EQ(verdict.points, 20u);
  EXPECT_EQ(verdict.claim, &study.study.claims.front());
}

TEST(Verdict, OfARatioHoldsInPartOnItsSideOfOne) {
  MadeUpStudy study = two_levels(1.2);
  EXPECT_EQ(study.judge(even_over_odd(1.5)).standing, Standing::holds_in_part);
  EXPECT_EQ(study.judge(even_over_odd({}, 0.8)).standing, Standing::does_not_hold);
  EXPECT_EQ(study.judge(even_over_odd({}, 1.1)).standing, Standing::does_not_hold) << "1 itself was claimed possible";
  EXPECT_EQ(study.judge(even_over_odd(0.9, 1.1)).standing, Standing::does_not_hold);
  EXPECT_EQ(study.judge(even_over_odd(1.05, 1.1)).standing, Standing::holds_in_part) << "there, but larger";
  EXPECT_EQ(study.judge(even_over_odd(1.1, 1.3)).standing, Standing::holds);
  EXPECT_EQ(two_levels(0.9).judge(even_over_odd({}, 0.8)).standing, Standing::holds_in_part);
}

TEST(Verdict, OfARatioAllowsForNoise) {
  EXPECT_EQ(two_levels(1.5 / 1.019).judge(even_over_odd(1.5)).standing, Standing::holds);
  EXPECT_TRUE(says(two_levels(1.5 / 1.019).judge(even_over_odd(1.5)).reason,
                   "at least 1.5 was claimed and 2.0 % is tolerated"));
  EXPECT_EQ(two_levels(1.5 / 1.021).judge(even_over_odd(1.5)).standing, Standing::holds_in_part);
  EXPECT_EQ(two_levels(1.019).judge(even_over_odd(1.5)).standing, Standing::does_not_hold) << "that may be noise";
  EXPECT_EQ(two_levels(1.021).judge(even_over_odd(1.5)).standing, Standing::holds_in_part);
  EXPECT_EQ(two_levels(1.019).judge(even_over_odd({}, 1)).standing, Standing::holds);
  EXPECT_EQ(two_levels(1.021).judge(even_over_odd({}, 1)).standing, Standing::does_not_hold);
}

TEST(Verdict, OfARatioTakesWhatItIsToldTo) {
  MadeUpStudy study;
  for (const double y : {1.0, 2.0, 9.0}) study.add(2, y);
  study.add(1, 1);
  RatioCondition condition = even_over_odd(1);
  const auto merit = [&](Take take) {
    condition.take = take;
    return study.judge(condition).merit.value();
  };
  EXPECT_NEAR(merit(Take::median), 2, 1e-12);
  EXPECT_NEAR(merit(Take::mean), 4, 1e-12);
  EXPECT_NEAR(merit(Take::lowest), 1, 1e-12);
  EXPECT_NEAR(merit(Take::highest), 9, 1e-12);
  EXPECT_EQ(study.judge(condition).merit_name, "ratio of the highest");
}

TEST(Verdict, OfARatioMatchesPointByPoint) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= 5; ++x) {
    study.add(x, 100.0 * static_cast<double>(x), {.series = 0});
    if (x < 5) study.add(x, 50.0 * static_cast<double>(x), {.series = 1});
  }
  RatioCondition condition{.of = series("a"), .over = series("b"), .match = formula("x"), .at_least = 2, .at_most = {}};
  const Verdict verdict = study.judge(condition);
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 2, 1e-12) << "medians of all would say 2.4";
  EXPECT_EQ(verdict.points, 8u) << "x = 5 has no partner";
  EXPECT_TRUE(says(verdict.reason, "median of 4 ratios at equal x"));

  condition.match = formula("0*x + 1");
  EXPECT_NEAR(study.judge(condition).merit.value(), 2.4, 1e-12);
  condition.over.where = formula("x == 1");
  condition.of.where = formula("x == 2");
  condition.match = formula("x");
  EXPECT_EQ(study.judge(condition).standing, Standing::not_tested);
  EXPECT_TRUE(says(study.judge(condition).reason, "none has a partner at equal x"));
}

TEST(Verdict, OfAnOrderingLooksAtEachStep) {
  // The logit product by the power of two that divides the vocabulary, on A100.
  MadeUpStudy study = groups({74, 138, 140, 227, 252, 256});
  const Verdict verdict = study.judge(ordered(Direction::up));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 256.0 / 74, 1e-12);
  EXPECT_EQ(verdict.reason,
            "throughput is 3.46 times as high at g = 32 as at 1, with 0 of 5 steps the other way; up was claimed");
  EXPECT_EQ(study.judge(ordered(Direction::down)).standing, Standing::does_not_hold);
}

TEST(Verdict, OfAnOrderingHoldsInPartAtHalfOfTheSteps) {
  const Verdict verdict = groups({100, 150, 120, 200}).judge(ordered(Direction::up));
  EXPECT_EQ(verdict.standing, Standing::holds_in_part);
  EXPECT_TRUE(says(verdict.reason, "with 1 of 3 steps the other way and at worst 20 % from 2 to 4"));
  EXPECT_EQ(groups({100, 90, 80, 130}).judge(ordered(Direction::up)).standing, Standing::does_not_hold);
  EXPECT_EQ(groups({100, 150, 120, 100}).judge(ordered(Direction::up)).standing, Standing::does_not_hold)
      << "it ends where it began";
}

TEST(Verdict, OfAnOrderingAllowsForNoiseButNotForASlide) {
  EXPECT_EQ(groups({100, 150, 150 / 1.019, 200}).judge(ordered(Direction::up)).standing, Standing::holds);
  EXPECT_EQ(groups({100, 150, 150 / 1.021, 200}).judge(ordered(Direction::up)).standing, Standing::holds_in_part);
  EXPECT_EQ(groups({100, 101, 100, 101.9}).judge(ordered(Direction::up)).standing, Standing::does_not_hold)
      << "all of it may be noise";
  EXPECT_EQ(groups({100, 150, 148, 146, 144, 142, 140}).judge(ordered(Direction::up)).standing, Standing::holds_in_part)
      << "each step back is small, all of them are not";
}

}  // namespace
}  // namespace gemmetry::study
