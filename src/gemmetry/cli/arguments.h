#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/base/text_value.h"

namespace gemmetry::cli {

// Texts of the command line as values, beside those of base/text_value.h, with errors of the same form.

/// A share in per cent: "1%" or "1" is 0.01.
double per_cent(std::string_view what, std::string_view text);

/// A share: "2%" or "0.02" is 0.02; a number from 1 up is taken as per cent.
double share(std::string_view what, std::string_view text);

/// Two ascending positive numbers, "0.5..2".
struct Band {
  double low = 0;
  double high = 0;
};
Band band(std::string_view what, std::string_view text);

/// Error where one of the names stands twice.
void require_different(const std::string& what, const std::vector<std::string>& names);

/// An option that is a whole number.
CLI::Option* add_size(CLI::App& app, const std::string& flags, std::int64_t& target, const std::string& description,
                      std::int64_t low = 1);
CLI::Option* add_size(CLI::App& app, const std::string& flags, std::optional<std::int64_t>& target,
                      const std::string& description, std::int64_t low = 1);

/// "Examples:" with each of the lines behind "gemmetry COMMAND ".
std::string command_examples(const std::string& command, std::string_view lines);

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
