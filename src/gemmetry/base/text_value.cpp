#include "gemmetry/base/text_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry {
namespace {

constexpr double largest_whole = 0x1p53;

}  // namespace

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<double> finite_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::int64_t whole_number(std::string_view what, std::string_view text, std::int64_t low) {
  const std::string_view digits = without_blanks(text);
  std::int64_t whole = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  const bool plain = failure == std::errc{} && end == digits.data() + digits.size();
  const std::string expected = fmt::format("a whole number from {}, as in 2048 or 2.7e9", low);
  if (!plain) {
    const std::optional<double> value = finite_number(digits);
    if (!value || *value != std::floor(*value)) refuse_text(what, text, expected);
    if (std::abs(*value) > largest_whole) refuse_text(what, text, "a whole number of at most 2^53");
    whole = static_cast<std::int64_t>(*value);
  }
  if (whole < low) refuse_text(what, text, expected);
  if (whole > static_cast<std::int64_t>(largest_whole)) refuse_text(what, text, "a whole number of at most 2^53");
  return whole;
}

double number(std::string_view what, std::string_view text) {
  const std::optional<double> value = finite_number(without_blanks(text));
  if (!value) refuse_text(what, text, "a number");
  return *value;
}

double seconds(std::string_view what, std::string_view text) {
  constexpr std::pair<std::string_view, double> units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  std::string_view digits = without_blanks(text);
  double scale = 1;
  for (const auto& [unit, in_seconds] : units) {
    if (!digits.ends_with(unit)) continue;
    digits = without_blanks(digits.substr(0, digits.size() - unit.size()));
    scale = in_seconds;
    break;
  }
  const std::optional<double> value = finite_number(digits);
  if (!value || *value <= 0) refuse_text(what, text, "a span of time above 0, as in 90s, 10m or 1.5h");
  return *value * scale;
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    parts.emplace_back(without_blanks(text.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

void refuse_text(std::string_view what, std::string_view text, const std::string& expected) {
  const std::string shown = text.size() > 60 ? fmt::format("{}...", text.substr(0, 57)) : std::string(text);
  throw Error(fmt::format("{} = '{}': expected {}", what, shown, expected));
}

void refuse_word(std::string_view what, std::string_view word, const std::vector<std::string>& choices) {
  refuse_text(what, word, fmt::format("{}{}", fmt::join(choices, ", "), did_you_mean(word, choices)));
}

}  // namespace gemmetry
