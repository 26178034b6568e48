#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gemmetry {

// Texts of the command line and of files as values. Each throws Error "WHAT = 'TEXT': expected ..." on anything else.

/// A whole number from `low` to 2^53: "2048", "2.7e9".
std::int64_t whole_number(std::string_view what, std::string_view text, std::int64_t low = 1);

/// Any finite number.
double number(std::string_view what, std::string_view text);

/// The finite number that all of the text is; nothing otherwise.
std::optional<double> finite_number(std::string_view text);

/// A span of time in seconds: "90", "90s", "10m", "1.5h", "500ms".
double seconds(std::string_view what, std::string_view text);

/// "1,2,4" as its parts, without blanks around them.
std::vector<std::string> comma_list(std::string_view text);

std::string_view without_blanks(std::string_view text);

[[noreturn]] void refuse_text(std::string_view what, std::string_view text, const std::string& expected);

/// Error for a word that is none of the choices, with the nearest.
[[noreturn]] void refuse_word(std::string_view what, std::string_view word, const std::vector<std::string>& choices);

}  // namespace gemmetry
