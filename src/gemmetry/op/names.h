#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry::op {

/// The one table an enumeration's names are written in: value and name, in order.
template <class Enum>
using Names = std::span<const std::pair<Enum, std::string_view>>;

template <class Enum>
std::string_view name_in(Names<Enum> names, Enum value) {
  for (const auto& [candidate, name] : names)
    if (candidate == value) return name;
  return "?";
}

/// The value of that name; Error naming `what`, the word, the choices and the nearest one otherwise.
template <class Enum>
Enum value_in(Names<Enum> names, std::string_view what, std::string_view word) {
  std::vector<std::string> choices;
  for (const auto& [value, name] : names) {
    if (name == word) return value;
    choices.emplace_back(name);
  }
  throw Error(
      fmt::format("{} '{}' is unknown: use {}{}", what, word, fmt::join(choices, ", "), did_you_mean(word, choices)));
}

}  // namespace gemmetry::op
