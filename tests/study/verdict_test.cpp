#include "gemmetry/study/verdict.h"

#include <gtest/gtest.h>

#include "gemmetry/base/error.h"
#include "study/made_up_study.h"

namespace gemmetry::study {
namespace {

using test::At;
using test::formula;
using test::MadeUpStudy;
using test::says;
using test::series;
using test::where;

RatioCondition even_over_odd(std::optional<double> at_least, std::optional<double> at_most = {}) {
  return {
      .of = where("x % 2 == 0"), .over = where("x % 2 == 1"), .match = {}, .at_least = at_least, .at_most = at_most};
}

/// Odd x at 100, even ones higher by `factor`.
MadeUpStudy two_levels(double factor, std::int64_t points = 20) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= points; ++x) study.add(x, x % 2 ? 100 : 100 * factor);
  return study;
}

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

OrderingCondition ordered(Direction direction) { return {.of = {}, .by = formula("g"), .direction = direction}; }

/// A point of each group at three x, the middle one at the stated height.
MadeUpStudy groups(const std::vector<double>& heights) {
  MadeUpStudy study;
  for (std::size_t g = 0; g < heights.size(); ++g)
    for (const double factor : {0.5, 1.0, 3.0})
      study.add(static_cast<std::int64_t>(10 * factor), heights[g] * factor,
                {.color = static_cast<std::int64_t>(g), .more = {{"g", std::int64_t{1} << g}}});
  return study;
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

/// One line of y over x = 1, 2, ...
MadeUpStudy line(const std::vector<double>& ys, At at = {}) {
  MadeUpStudy study;
  for (std::size_t i = 0; i < ys.size(); ++i) study.add(static_cast<std::int64_t>(i + 1), ys[i], at);
  return study;
}

/// From 100, a factor a step.
std::vector<double> growing(double factor, std::size_t points = 41) {
  std::vector<double> ys(points, 100);
  for (std::size_t i = 1; i < points; ++i) ys[i] = ys[i - 1] * factor;
  return ys;
}

const MonotoneCondition up{.of = {}, .direction = Direction::up};
const MonotoneCondition down{.of = {}, .direction = Direction::down};

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

/// A new wave begins beyond each multiple of 10: y rises within it and falls by `fall`, less a step's rise.
MadeUpStudy waves(double fall, std::int64_t step = 1) {
  MadeUpStudy study;
  for (std::int64_t x = 1; x <= 100; x += step) {
    const double filled = static_cast<double>((x - 1) % 10) / 9;
    study.add(x, 100 * (1 - fall * (1 - filled)));
  }
  return study;
}

PeriodCondition every(const std::string& period) { return {.of = {}, .period = formula(period)}; }

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

SaturationCondition from(const std::string& x) { return {.of = {}, .from = formula(x)}; }

/// Rises to 100 at x = 10 and stays, with `dips` of the points from there on at 80.
MadeUpStudy saturating(int dips) {
  MadeUpStudy study;
  for (int x = 1; x < 10; ++x) study.add(x, 10.0 * x);
  for (int i = 0; i < 20; ++i) study.add(10 + i, i > 0 && i <= dips ? 80 : 100);
  return study;
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

const LinearCondition along_x{.of = {}, .along = test::formula("x")};

/// Time 2 + 3 x, at x = 1 to 20, `off` by that share of the largest at so many points.
MadeUpStudy straight(double off, int points = 1) {
  MadeUpStudy study;
  for (int x = 1; x <= 20; ++x) study.add(x, 1 / (2 + 3.0 * x + (x > 5 && x <= 5 + points ? off * 62 : 0)));
  return study;
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
