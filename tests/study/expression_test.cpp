#include "gemmetry/study/expression.h"

#include <gtest/gtest.h>

#include "study/studies.h"

namespace gemmetry::study {
namespace {

std::int64_t value(const std::string& text, const Variables& variables = {}) {
  return Expression("it", text).value(variables);
}

std::string refusal(const std::string& text, const Variables& variables = {}) {
  return error_of([&] { value(text, variables); });
}

TEST(Expression, NumbersAndSigns) {
  EXPECT_EQ(value("4096"), 4096);
  EXPECT_EQ(value("2^12"), 4096);
  EXPECT_EQ(value("3e5"), 300'000);
  EXPECT_EQ(value("2.5e3"), 2500);
  EXPECT_EQ(value("1e+3"), 1000);
  EXPECT_EQ(value(" - 3 "), -3);
  EXPECT_EQ(value("--3"), 3);
  EXPECT_EQ(value("9007199254740992"), std::int64_t{1} << 53);
}

TEST(Expression, BindsAsUsual) {
  EXPECT_EQ(value("1+2*3"), 7);
  EXPECT_EQ(value("(1+2)*3"), 9);
  EXPECT_EQ(value("10-3-2"), 5);
  EXPECT_EQ(value("100/10/5"), 2);
  EXPECT_EQ(value("2^3^2"), 512);
  EXPECT_EQ(value("-2^2"), -4);
  EXPECT_EQ(value("3*2^4"), 48);
  EXPECT_EQ(value("1 + 1 == 2"), 1);
  EXPECT_EQ(value("1 < 2 && 2 < 3 || 0"), 1);
  EXPECT_EQ(value("0 && 0 || 1"), 1);
  EXPECT_EQ(value("1 || 0 && 0"), 1);
  EXPECT_EQ(value("!0 + 1"), 2);
  EXPECT_EQ(value("!(3 != 3)"), 1);
}

TEST(Expression, ComparisonsAreOneOrZero) {
  EXPECT_EQ(value("3 <= 3"), 1);
  EXPECT_EQ(value("3 >= 4"), 0);
  EXPECT_EQ(value("3 > 3"), 0);
  EXPECT_EQ(value("2 < 3"), 1);
  EXPECT_EQ(value("2 != 3"), 1);
  EXPECT_EQ(value("2 == 3"), 0);
  EXPECT_EQ(value("5 && -1"), 1);
}

TEST(Expression, QuotientsAreRoundedDown) {
  EXPECT_EQ(value("8*h/3", {{"h", 4096}}), 10922);
  EXPECT_EQ(value("7/2"), 3);
  EXPECT_EQ(value("-7/2"), -4);
  EXPECT_EQ(value("7/-2"), -4);
  EXPECT_EQ(value("-7/-2"), 3);
  EXPECT_EQ(value("-6/2"), -3);
  EXPECT_EQ(value("7 % 4"), 3);
  EXPECT_EQ(value("-7 % 4"), 1);
  EXPECT_EQ(value("-8 % 4"), 0);
}

TEST(Expression, Functions) {
  EXPECT_EQ(value("min(3, 2)"), 2);
  EXPECT_EQ(value("max(3, 2)"), 3);
  EXPECT_EQ(value("pow2(80)"), 16);
  EXPECT_EQ(value("pow2(1)"), 1);
  EXPECT_EQ(value("pow2(-12)"), 4);
  EXPECT_EQ(value("round_up(50257, 64)"), 50304);
  EXPECT_EQ(value("round_up(64, 64)"), 64);
  EXPECT_EQ(value("round_up(-1, 64)"), 0);
  EXPECT_EQ(value("round_down(50257, 64)"), 50240);
  EXPECT_EQ(value("min(pow2(h/a), 64)", {{"h", 8192}, {"a", 32}}), 64);
}

TEST(Expression, WhatDecidesIsReadFirst) {
  EXPECT_EQ(value("d > 0 && 128 % d == 0", {{"d", 0}}), 0);
  EXPECT_EQ(value("d == 0 || 128 / d > 3", {{"d", 0}}), 1);
}

TEST(Expression, NamesOnceInTheirOrder) {
  const Expression expression("it", "min(b*s_1, a) + b");
  EXPECT_EQ(expression.names(), (std::vector<std::string>{"b", "s_1", "a"}));
  EXPECT_EQ(expression.text(), "min(b*s_1, a) + b");
  EXPECT_EQ(expression.value({{"a", 9}, {"b", 2}, {"s_1", 4}}), 10);
}

TEST(Expression, CopiesShareNothingThatChanges) {
  std::optional<Expression> first(std::in_place, "it", "h+1");
  const Expression second = *first;
  first.reset();
  EXPECT_EQ(second.value({{"h", 1}}), 2);
}

TEST(Expression, AMistakeNamesTextPlaceAndWhatWasExpected) {
  EXPECT_EQ(refusal("8*"), "it = '8*': expected a number, a name or '(' at its end");
  EXPECT_EQ(refusal(""), "it = '': expected a number, a name or '(' at its end");
  EXPECT_EQ(refusal("(1+2"), "it = '(1+2': expected ')' at its end");
  EXPECT_EQ(refusal("1 2"), "it = '1 2': expected an operator at '2'");
  EXPECT_EQ(refusal("h = 3"), "it = 'h = 3': expected an operator at '= 3'");
  EXPECT_EQ(refusal("h & 3"), "it = 'h & 3': expected an operator at '& 3'");
  EXPECT_EQ(refusal("1.5"), "it = '1.5': expected a whole number of at most 2^53, as in 2048 or 3e5 at '1.5'");
  EXPECT_EQ(refusal("min(1)"), "it = 'min(1)': expected ',' at ')'");
  EXPECT_EQ(refusal("pow2(1, 2)"), "it = 'pow2(1, 2)': expected ')' at ', 2)'");
  EXPECT_EQ(refusal("mim(1, 2)"),
            "it = 'mim(1, 2)': expected one of the functions min, max, pow2, round_up, round_down; did you mean "
            "'min'? at 'mim(1, 2)'");
  for (const char* text : {"*3", "1+", "1..2", "3x", "h/", "()", "1)", "a b", "2^", "2^-1", "#", "\"x\"", "min 1", ",",
                           "9007199254740993", "1e99", "a?b:c", "\xff", "1e"})
    EXPECT_TRUE(refusal(text, {{"a", 1}, {"b", 1}, {"h", 1}}).starts_with("it = '")) << text;
}

TEST(Expression, AnImpossibleValueSaysWhy) {
  EXPECT_EQ(refusal("h/(a-32)", {{"h", 1}, {"a", 32}}), "it = 'h/(a-32)': division by zero");
  EXPECT_EQ(refusal("1 % 0"), "it = '1 % 0': division by zero");
  EXPECT_EQ(refusal("2^53 + 1"), "it = '2^53 + 1': a number beyond 2^53");
  EXPECT_EQ(refusal("2^62"), "it = '2^62': a number beyond 2^53");
  EXPECT_EQ(refusal("2^99999999999"), "it = '2^99999999999': a number beyond 2^53");
  EXPECT_EQ(refusal("2^30 * 2^30"), "it = '2^30 * 2^30': a number beyond 2^53");
  EXPECT_EQ(refusal("-2^53 - 1"), "it = '-2^53 - 1': a number beyond 2^53");
  EXPECT_EQ(refusal("2^(0-1)"), "it = '2^(0-1)': the exponent is -1: expected a number from 0");
  EXPECT_EQ(refusal("pow2(0)"), "it = 'pow2(0)': pow2(0): every power of two divides 0");
  EXPECT_EQ(refusal("round_up(8, 0)"), "it = 'round_up(8, 0)': rounded to a multiple of 0: expected a number from 1");
  EXPECT_EQ(value("1^99999999999"), 1);
  EXPECT_EQ(value("(0-1)^3"), -1);
  EXPECT_EQ(value("0^0"), 1);
}

TEST(Expression, AnUnknownNameHasTheNearestKnown) {
  EXPECT_EQ(refusal("hiden/2", {{"hidden", 1}, {"a", 2}}),
            "it = 'hiden/2': unknown name 'hiden' (known: a, hidden); did you mean 'hidden'?");
  const Expression expression("key 'k'", "h/a");
  EXPECT_NO_THROW(expression.require_names({"a", "h"}));
  EXPECT_EQ(error_of([&] { expression.require_names({"h"}); }),
            "key 'k' = 'h/a': unknown name 'a' (known: h); did you mean 'h'?");
  EXPECT_EQ(error_of([&] { expression.require_names({}); }), "key 'k' = 'h/a': unknown name 'h' (known: none)");
}

TEST(Expression, HostileTextIsRefusedNotRun) {
  EXPECT_NE(refusal(std::string(2000, '1')).find("longer than 1000 characters"), std::string::npos);
  EXPECT_NE(refusal(std::string(900, '(')).find("nested deeper than 100 levels"), std::string::npos);
  EXPECT_NE(refusal(std::string(900, '-') + "1").find("nested deeper"), std::string::npos);
  EXPECT_NE(refusal(std::string(900, '!') + "1").find("nested deeper"), std::string::npos);
  std::string powers = "1";
  for (int i = 0; i < 400; ++i) powers += "^1";
  EXPECT_NE(refusal(powers).find("nested deeper"), std::string::npos);
  std::string sum = "1";
  for (int i = 0; i < 499; ++i) sum += "+1";
  EXPECT_EQ(value(sum), 500);
}

TEST(IsName, LettersDigitsAndUnderscores) {
  for (const char* name : {"h", "d_ff", "_x", "K2", "minimum"}) EXPECT_TRUE(is_name(name)) << name;
  for (const char* name : {"", "2h", "h-a", "h a", "min", "pow2", "round_up", "h.a"})
    EXPECT_FALSE(is_name(name)) << name;
}

}  // namespace
}  // namespace gemmetry::study
