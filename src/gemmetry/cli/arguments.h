#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemmetry::cli {

// Texts of the command line and of CSV cells as values. Each throws Error "WHAT = TEXT: expected ..." on anything else.

/// A whole number from `low` to 2^53: "2048", "2.7e9".
std::int64_t whole_number(std::string_view what, std::string_view text, std::int64_t low = 1);

/// Any finite number.
double number(std::string_view what, std::string_view text);

/// A share in per cent: "1%" or "1" is 0.01.
double per_cent(std::string_view what, std::string_view text);

/// A share: "2%" or "0.02" is 0.02; a number from 1 up is taken as per cent.
double share(std::string_view what, std::string_view text);

/// "1,2,4" as its parts.
std::vector<std::string> comma_list(std::string_view text);

/// Two ascending positive numbers, "0.5..2".
struct Band {
  double low = 0;
  double high = 0;
};
Band band(std::string_view what, std::string_view text);

/// Error for a word that is none of the choices, with the nearest.
[[noreturn]] void refuse_word(std::string_view what, std::string_view word, const std::vector<std::string>& choices);

/// An option that is read by one of the functions above.
CLI::Option* add_size(CLI::App& app, const std::string& flags, std::int64_t& target, const std::string& description,
                      std::int64_t low = 1);
CLI::Option* add_size(CLI::App& app, const std::string& flags, std::optional<std::int64_t>& target,
                      const std::string& description, std::int64_t low = 1);

/// An option whose text `read(flags, text)` takes.
CLI::Option* add_text(CLI::App& app, const std::string& flags, const std::string& type, const std::string& description,
                      std::function<void(const std::string& what, const std::string& text)> read);

/// An option that takes one of the names of an enumeration; `target` holds the default.
template <class Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& flags, Enum& target, std::initializer_list<Enum> choices,
                        const std::string& description) {
  std::vector<std::string> names;
  for (const Enum choice : choices) names.emplace_back(name(choice));
  std::string type;
  for (const std::string& one : names) type += (type.empty() ? "" : "|") + one;
  const std::vector<Enum> values(choices);
  const auto read = [&target, names, values](const std::string& what, const std::string& word) {
    for (std::size_t i = 0; i < names.size(); ++i)
      if (names[i] == word) {
        target = values[i];
        return;
      }
    refuse_word(what, word, names);
  };
  return add_text(app, flags, type, description, read)->default_str(std::string(name(target)));
}

}  // namespace gemmetry::cli
