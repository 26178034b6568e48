#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "gemmetry/study/verdict.h"
#include "study/made_up_claims.h"

namespace gemmetry::study {
namespace {

using namespace test;

TEST(Verdict, OfACourseCountsSteps) {
  MadeUpStudy study = line(growing(1.1));
  const Verdict verdict = study.judge(up);
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_EQ(verdict.merit.value(), 1);
  EXPECT_EQ(verdict.reason, "throughput goes up at 100 % of 40 steps in 1 line, 90 % was claimed");
  EXPECT_EQ(study.judge(down).standing, Standing::does_not_hold);
  EXPECT_TRUE(says(study.judge(down).reason, "1 line ends no lower than at first"));

  std::vector<double> bent = growing(1.1, 31);
  for (int i = 0; i < 10; ++i) bent.push_back(bent.back() * 0.95);
  EXPECT_EQ(line(bent).judge(up).standing, Standing::holds_in_part);
  EXPECT_NEAR(line(bent).judge(up).merit.value(), 0.75, 1e-12);
}

TEST(Verdict, OfACourseSeesASlowSlideButNoNoise) {
  MadeUpStudy saturated = line(std::vector<double>(30, 300));
  for (int i = 1; i <= 30; ++i) saturated.add(i - 30, 10.0 * i);
  EXPECT_EQ(saturated.judge(up).standing, Standing::holds);
  saturated.add_noise(0.0099);
  EXPECT_EQ(saturated.judge(up).standing, Standing::holds) << "two neighbours differ by less than the tolerance";

  std::vector<double> slide = growing(1.1, 21);
  for (int i = 0; i < 20; ++i) slide.push_back(slide.back() * 0.99);
  EXPECT_NEAR(line(slide).judge(up).merit.value(), 0.5, 1e-12) << "each step down is within the tolerance";

  MadeUpStudy flat = line(std::vector<double>(40, 100));
  EXPECT_EQ(flat.judge(up).standing, Standing::does_not_hold);
  flat.add_noise(0.0099);
  EXPECT_EQ(flat.judge(up).standing, Standing::does_not_hold);
  EXPECT_EQ(flat.judge(down).standing, Standing::does_not_hold);
}

TEST(Verdict, OfACourseCountsAWiggleAtItsBeginWithTheRest) {
  EXPECT_EQ(line({100, 99, 110, 120}).judge(up).merit.value(), 1);
  EXPECT_EQ(line({100, 97, 110, 120}).judge(up).merit.value(), 2.0 / 3);
}

TEST(Verdict, OfACourseTakesTheMedianAtOneX) {
  MadeUpStudy study = line({100, 500, 120, 130});
  study.add(2, 110);
  study.add(2, 111);
  EXPECT_EQ(study.judge(up).merit.value(), 1);
  EXPECT_TRUE(says(study.judge(up).reason, "3 steps"));
}

TEST(Verdict, OfACourseIsNotMisledByATooth) {
  std::vector<double> teeth;
  for (int tooth = 0; tooth < 4; ++tooth)
    for (int i = 0; i < 12; ++i) teeth.push_back(100 + 5 * i);
  teeth.push_back(100);
  const Verdict verdict = line(teeth).judge(up);
  EXPECT_EQ(verdict.standing, Standing::does_not_hold) << "44 of 48 steps go up, and it gets nowhere";

  std::vector<double> spike = growing(1.1);
  spike[5] *= 3;
  EXPECT_EQ(line(spike).judge(up).standing, Standing::holds);
}

TEST(Verdict, OfACourseFollowsEachLineForItself) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= 10; ++x) {
    study.add(x, 10.0 * static_cast<double>(x), {.color = x % 2});
    study.add(x, 1000.0 * static_cast<double>(x), {.series = 1, .color = x % 2});
  }
  const Verdict verdict = study.judge(up);
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_TRUE(says(verdict.reason, "16 steps in 4 lines"));
}

TEST(Verdict, OfAPeriodHoldsWhereYFallsBeyondMultiples) {
  MadeUpStudy study = waves(0.1);
  const Verdict verdict = study.judge(every("10"));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 0.1, 1e-12);
  EXPECT_EQ(
      verdict.reason,
      "10 % of throughput is lost where x passes a multiple of 10 (median of 9 steps), elsewhere at most 0.0 % at "
      "three of four steps; 2.0 % was claimed");
  EXPECT_EQ(study.judge(every("7")).standing, Standing::does_not_hold);
  EXPECT_EQ(waves(0.1, 3).judge(every("10")).standing, Standing::holds);
}

TEST(Verdict, OfAPeriodHoldsInPartWhereTheFallIsSmall) {
  EXPECT_EQ(waves(0.012).judge(every("10")).standing, Standing::holds_in_part);
  EXPECT_EQ(waves(0.009).judge(every("10")).standing, Standing::does_not_hold);
}

TEST(Verdict, OfAPeriodHoldsInPartWhereYFallsElsewhereToo) {
  // Falls of 10 % beyond multiples of 10, of 5 % at three more steps of each ten.
  std::vector<double> ys{1e6};
  for (int x = 1; x < 100; ++x) ys.push_back(ys.back() * (x % 10 == 0 ? 0.9 : x % 10 % 3 == 0 ? 0.95 : 1.01));
  const Verdict verdict = line(ys).judge(every("10"));
  EXPECT_NEAR(verdict.merit.value(), 0.1, 1e-12);
  EXPECT_EQ(verdict.standing, Standing::holds_in_part) << verdict.reason;
}

TEST(Verdict, OfAPeriodIsNotFoundInNoise) {
  int found = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    MadeUpStudy flat = line(std::vector<double>(100, 100));
    flat.add_noise(0.02, seed);
    if (flat.judge(every("10")).standing != Standing::does_not_hold) ++found;
    MadeUpStudy study = waves(0.1);
    study.add_noise(0.005, seed);
    EXPECT_EQ(study.judge(every("10")).standing, Standing::holds) << seed;
  }
  EXPECT_LE(found, 10);
}

TEST(Verdict, OfAPeriodNeedsMultiplesAndOtherSteps) {
  EXPECT_EQ(waves(0.1).judge(every("1")).standing, Standing::not_tested) << "each step passes one";
  const Verdict verdict = waves(0.1).judge(every("60"));
  EXPECT_EQ(verdict.standing, Standing::not_tested);
  EXPECT_TRUE(says(verdict.reason, "x passes a multiple of 60 at 1 of 99 steps"));
  EXPECT_THROW(waves(0.1).judge(every("x - x")), Error);
}

TEST(Verdict, OfAPeriodInTimesIsARise) {
  MadeUpStudy study = waves(0.1);
  study.study.chart.y = Quantity::time;
  const Verdict verdict = study.judge(every("10"));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 0.1, 1e-12) << "time rises by 11 %, which costs a tenth of the speed";
  EXPECT_TRUE(says(verdict.reason, "10 % of speed is lost"));
}

TEST(Verdict, OfSaturationCountsPointsNearTheHighest) {
  const Verdict verdict = saturating(2).judge(from("10"));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 0.9, 1e-12);
  EXPECT_EQ(verdict.reason,
            "18 of 20 points at x >= 10 lie within 10 % of the highest throughput of their line; 90 % was claimed");
  EXPECT_EQ(saturating(3).judge(from("10")).standing, Standing::holds_in_part);
  EXPECT_EQ(saturating(11).judge(from("10")).standing, Standing::does_not_hold);
  EXPECT_EQ(saturating(0).judge(from("5")).standing, Standing::holds_in_part);
  EXPECT_EQ(saturating(0).judge(from("30")).standing, Standing::not_tested);
}

TEST(Verdict, OfSaturationAllowsForNoise) {
  MadeUpStudy near = line({100, 100 * 0.9 / 1.019, 100 * 0.9 / 1.019});
  EXPECT_EQ(near.judge(from("2")).standing, Standing::holds);
  MadeUpStudy off = line({100, 100 * 0.9 / 1.021, 100 * 0.9 / 1.021});
  EXPECT_EQ(off.judge(from("2")).standing, Standing::does_not_hold);
}

TEST(Verdict, OfSaturationHoldsEachLineToItself) {
  MadeUpStudy study;
  for (int x = 1; x <= 10; ++x) {
    study.add(x, 100, {.series = 0});
    study.add(x, 10, {.series = 1});
  }
  study.add(11, 1, {.color = 5});
  const Verdict verdict = study.judge(from("1"));
  EXPECT_EQ(verdict.merit.value(), 1) << "a line of one point counts for nothing";
  EXPECT_TRUE(says(verdict.reason, "20 of 20 points"));
}

TEST(Verdict, OfSaturationInTimesLooksAtTheLowest) {
  MadeUpStudy study = saturating(0);
  study.study.chart.y = Quantity::time_per_token;
  const Verdict verdict = study.judge(from("10"));
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_TRUE(says(verdict.reason, "of the lowest time per token"));
}

TEST(Verdict, OfAStraightLineHoldsForPointsOnIt) {
  const Verdict verdict = straight(0.06).judge(along_x);
  EXPECT_EQ(verdict.standing, Standing::holds);
  EXPECT_NEAR(verdict.merit.value(), 0.06, 1e-9) << "one point does not turn the line";
  EXPECT_EQ(
      verdict.reason,
      "time lies at most 6.0 % of the largest off a straight line over x, 20 of 20 points within 7.0 %; 5.0 % was "
      "claimed");
  EXPECT_EQ(straight(0.08).judge(along_x).standing, Standing::holds_in_part);
  EXPECT_EQ(straight(0.069).judge(along_x).standing, Standing::holds);
  EXPECT_EQ(straight(0.071).judge(along_x).standing, Standing::holds_in_part);
  EXPECT_EQ(straight(0.3, 2).judge(along_x).standing, Standing::holds_in_part);
  EXPECT_EQ(straight(0.3, 3).judge(along_x).standing, Standing::does_not_hold);
}

TEST(Verdict, OfAStraightLineAllowsForNoise) {
  LinearCondition exact = along_x;
  exact.within = 0.005;
  for (unsigned seed = 0; seed < 20; ++seed) {
    MadeUpStudy study;
    for (int x = 1; x <= 200; ++x) study.add(x, 1 / (100 + 0.1 * x));
    study.add_noise(0.02, seed);
    EXPECT_EQ(study.judge(exact).standing, Standing::holds) << seed << ": " << study.judge(exact).reason;
  }
}

TEST(Verdict, OfAStraightLineSeesACurve) {
  MadeUpStudy study;
  for (int x = 1; x <= 20; ++x) study.add(x, 1.0 / (x * x));
  EXPECT_EQ(study.judge(along_x).standing, Standing::does_not_hold);
  EXPECT_EQ(study.judge(LinearCondition{.of = {}, .along = formula("x*x")}).standing, Standing::holds);
  EXPECT_EQ(line({1, 2}).judge(along_x).standing, Standing::not_tested);
}

TEST(Verdict, OfAStraightLineTakesEachLineForItself) {
  MadeUpStudy study;
  for (int x = 1; x <= 10; ++x) {
    study.add(x, 1.0 / x);
    study.add(x, 0.01 / x, {.series = 1});
  }
  EXPECT_EQ(study.judge(along_x).standing, Standing::holds);
  EXPECT_EQ(study.judge(LinearCondition{.of = series("b"), .along = formula("x")}).points, 10u);
}

}  // namespace
}  // namespace gemmetry::study
