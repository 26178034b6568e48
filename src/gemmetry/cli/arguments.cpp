#include "gemmetry/cli/arguments.h"

#include <fmt/format.h>

#include <set>

#include "gemmetry/base/error.h"

namespace gemmetry::cli {
namespace {

/// A share given as "2%" or plainly, in which case `per_cent_from` says from where up it is per cent.
double share_of(std::string_view what, std::string_view text, double per_cent_from, const std::string& expected) {
  std::string_view digits = without_blanks(text);
  const bool sign = digits.ends_with('%');
  if (sign) digits = without_blanks(digits.substr(0, digits.size() - 1));
  const std::optional<double> value = finite_number(digits);
  if (!value || *value < 0) refuse_text(what, text, expected);
  return sign || *value >= per_cent_from ? *value / 100 : *value;
}

/// "--batch" of "--batch,-b", as messages name an option.
std::string first_flag(const std::string& flags) { return flags.substr(0, flags.find(',')); }

}  // namespace

double per_cent(std::string_view what, std::string_view text) {
  return share_of(what, text, 0, "a number of per cent, as in 1% or 1");
}

double share(std::string_view what, std::string_view text) {
  return share_of(what, text, 1, "a share, as in 2% or 0.02");
}

Band band(std::string_view what, std::string_view text) {
  const std::size_t dots = text.find("..");
  const std::string expected = "two ascending positive numbers, as in 0.5..2";
  if (dots == std::string_view::npos) refuse_text(what, text, expected);
  const std::optional<double> low = finite_number(without_blanks(text.substr(0, dots)));
  const std::optional<double> high = finite_number(without_blanks(text.substr(dots + 2)));
  if (!low || !high || *low <= 0 || *high < *low) refuse_text(what, text, expected);
  return {*low, *high};
}

std::string command_examples(const std::string& command, std::string_view lines) {
  std::string text = "Examples:";
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    text += fmt::format("\n  gemmetry {} {}", command, lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return text;
}

CLI::Option* add_text(CLI::App& app, const std::string& flags, const std::string& type, const std::string& description,
                      std::function<void(const std::string&, const std::string&)> read) {
  const auto take = [what = first_flag(flags), read = std::move(read)](const CLI::results_t& results) {
    read(what, results.front());
    return true;
  };
  return app.add_option(flags, take, description)->type_name(type);
}

void require_different(const std::string& what, const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names)
    if (!seen.insert(name).second) throw Error(fmt::format("{} '{}' is named twice: name it once", what, name));
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
