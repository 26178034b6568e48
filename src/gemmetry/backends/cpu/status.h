#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "gemmetry/measure/backend.h"

namespace gemmetry::backends::cpu {

/// Text in a fixed array of the interface, cut where it does not fit.
template <std::size_t size>
void put(char (&to)[size], std::string_view text) {
  const auto end = fmt::format_to_n(to, size - 1, "{}", text);
  *end.out = '\0';
}

inline measure::Status status(measure::StatusCode code, std::string_view message) {
  measure::Status result{code};
  put(result.message, message);
  return result;
}

}  // namespace gemmetry::backends::cpu
