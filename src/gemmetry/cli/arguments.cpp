#include "gemmetry/cli/arguments.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry::cli {
namespace {

constexpr double largest_whole = 0x1p53;

[[noreturn]] void refuse(std::string_view what, std::string_view text, const std::string& expected) {
  const std::string shown = text.size() > 60 ? fmt::format("{}...", text.substr(0, 57)) : std::string(text);
  throw Error(fmt::format("{} = '{}': expected {}", what, shown, expected));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A finite number that takes all of the text.
std::optional<double> parsed(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A share given as "2%" or plainly, in which case `per_cent_from` says from where up it is per cent.
double share_of(std::string_view what, std::string_view text, double per_cent_from, const std::string& expected) {
  std::string_view digits = trimmed(text);
  const bool sign = digits.ends_with('%');
  if (sign) digits = trimmed(digits.substr(0, digits.size() - 1));
  const std::optional<double> value = parsed(digits);
  if (!value || *value < 0) refuse(what, text, expected);
  return sign || *value >= per_cent_from ? *value / 100 : *value;
}

/// "--batch" of "--batch,-b", as messages name an option.
std::string first_flag(const std::string& flags) { return flags.substr(0, flags.find(',')); }

}  // namespace

std::int64_t whole_number(std::string_view what, std::string_view text, std::int64_t low) {
  const std::string_view digits = trimmed(text);
  std::int64_t whole = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  const bool plain = failure == std::errc{} && end == digits.data() + digits.size();
  const std::string expected = fmt::format("a whole number from {}, as in 2048 or 2.7e9", low);
  if (!plain) {
    const std::optional<double> value = parsed(digits);
    if (!value || *value != std::floor(*value)) refuse(what, text, expected);
    if (std::abs(*value) > largest_whole) refuse(what, text, "a whole number of at most 2^53");
    whole = static_cast<std::int64_t>(*value);
  }
  if (whole < low) refuse(what, text, expected);
  if (whole > static_cast<std::int64_t>(largest_whole)) refuse(what, text, "a whole number of at most 2^53");
  return whole;
}

double number(std::string_view what, std::string_view text) {
  const std::optional<double> value = parsed(trimmed(text));
  if (!value) refuse(what, text, "a number");
  return *value;
}

double per_cent(std::string_view what, std::string_view text) {
  return share_of(what, text, 0, "a number of per cent, as in 1% or 1");
}

double share(std::string_view what, std::string_view text) {
  return share_of(what, text, 1, "a share, as in 2% or 0.02");
}

std::vector<std::string> comma_list(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    parts.emplace_back(trimmed(text.substr(start, end - start)));
    start = end + 1;
  }
  return parts;
}

Band band(std::string_view what, std::string_view text) {
  const std::size_t dots = text.find("..");
  const std::string expected = "two ascending positive numbers, as in 0.5..2";
  if (dots == std::string_view::npos) refuse(what, text, expected);
  const std::optional<double> low = parsed(trimmed(text.substr(0, dots)));
  const std::optional<double> high = parsed(trimmed(text.substr(dots + 2)));
  if (!low || !high || *low <= 0 || *high < *low) refuse(what, text, expected);
  return {*low, *high};
}

void refuse_word(std::string_view what, std::string_view word, const std::vector<std::string>& choices) {
  refuse(what, word, fmt::format("{}{}", fmt::join(choices, ", "), did_you_mean(word, choices)));
}

CLI::Option* add_text(CLI::App& app, const std::string& flags, const std::string& type, const std::string& description,
                      std::function<void(const std::string&, const std::string&)> read) {
  const auto take = [what = first_flag(flags), read = std::move(read)](const CLI::results_t& results) {
    read(what, results.front());
    return true;
  };
  return app.add_option(flags, take, description)->type_name(type);
}

CLI::Option* add_size(CLI::App& app, const std::string& flags, std::int64_t& target, const std::string& description,
                      std::int64_t low) {
  const auto read = [&target, low](const std::string& what, const std::string& text) {
    target = whole_number(what, text, low);
  };
  return add_text(app, flags, "N", description, read)->default_str(fmt::format("{}", target));
}

CLI::Option* add_size(CLI::App& app, const std::string& flags, std::optional<std::int64_t>& target,
                      const std::string& description, std::int64_t low) {
  const auto read = [&target, low](const std::string& what, const std::string& text) {
    target = whole_number(what, text, low);
  };
  return add_text(app, flags, "N", description, read);
}

}  // namespace gemmetry::cli
