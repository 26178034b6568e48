#include "gemmetry/report/number.h"

#include <gtest/gtest.h>

#include <limits>

namespace gemmetry::report {
namespace {

TEST(Number, HasThreeDigitsAndItsScale) {
  EXPECT_EQ(shown(1.234e-5, Unit::seconds), "12.3 µs");
  EXPECT_EQ(shown(0.00123, Unit::seconds), "1.23 ms");
  EXPECT_EQ(shown(0.1234, Unit::seconds), "123 ms");
  EXPECT_EQ(shown(12.0, Unit::seconds), "12.0 s");
  EXPECT_EQ(shown(842.1e12, Unit::flop_per_s), "842 TFLOP/s");
  EXPECT_EQ(shown(4.8e12, Unit::bytes_per_s), "4.80 TB/s");
  EXPECT_EQ(shown(2.65e9, Unit::count), "2.65 G");
  EXPECT_EQ(shown(1.98e9, Unit::hertz), "1980 MHz");
}

TEST(Number, RoundsIntoTheNextScale) {
  EXPECT_EQ(shown(999.7e-6, Unit::seconds), "1.00 ms");
  EXPECT_EQ(shown(999.4e-6, Unit::seconds), "999 µs");
}

TEST(Number, CountsMemoryInPowersOfTwoAndTrafficInPowersOfTen) {
  EXPECT_EQ(shown(0x1p30, Unit::memory), "1.00 GiB");
  EXPECT_EQ(shown(1e9, Unit::bytes), "1.00 GB");
}

TEST(Number, ShowsSharesInPerCent) {
  EXPECT_EQ(shown(0.0123, Unit::fraction), "1.2 %");
  EXPECT_EQ(shown(0.456, Unit::fraction), "46 %");
  EXPECT_EQ(shown(1.684, Unit::factor), "1.68x");
  EXPECT_EQ(shown(1.0312, Unit::factor), "1.031x");
}

TEST(Number, KeepsPlainNumbersPlain) {
  EXPECT_EQ(shown(Value(std::int64_t{50257}), Unit::none), "50257");
  EXPECT_EQ(shown(0.0, Unit::seconds), "0");
  EXPECT_EQ(shown(2.5, Unit::none), "2.50");
  EXPECT_EQ(shown(Value(true), Unit::none), "yes");
}

TEST(Number, ShowsAnIntervalInOneScale) {
  EXPECT_EQ(shown(Interval{1.02e-3, 0.95e-3, 1.1e-3}, Unit::seconds), "1.02 ms (0.950..1.10)");
}

TEST(Number, ShowsWhatIsUnknownOrDoesNotApply) {
  EXPECT_EQ(shown(Value(Unknown{}), Unit::seconds), "-");
  EXPECT_EQ(shown(Value(), Unit::seconds), "");
  EXPECT_EQ(shown(std::numeric_limits<double>::quiet_NaN(), Unit::seconds), "-");
  EXPECT_EQ(plain(Value(std::numeric_limits<double>::infinity())), "");
}

TEST(Number, TakesTheSpellOutOfControlCharacters) {
  EXPECT_EQ(shown(Value(std::string("a\033[31mb\n")), Unit::none), "a?[31mb?");
}

TEST(Number, PlainNumbersReadBackExactly) {
  const double number = 1.0 / 3 * 1e-5;
  EXPECT_EQ(std::stod(plain(Value(number))), number);
}

TEST(Number, GroupsDigits) {
  EXPECT_EQ(grouped(2651553280), "2,651,553,280");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(grouped(-100), "-100");
}

TEST(Number, KeysOfAnIntervalKeepTheirUnitLast) {
  EXPECT_EQ(interval_key("time_s", "low"), "time_low_s");
  EXPECT_EQ(interval_key("time_per_token_s", "high"), "time_per_token_high_s");
  EXPECT_EQ(interval_key("gain", "low"), "gain_low");
}

}  // namespace
}  // namespace gemmetry::report
