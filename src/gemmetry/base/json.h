#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace gemmetry {

/// Parses JSON text. Throws Error naming `source` and the position on malformed, truncated, too large (over 16 MiB) or
/// too deeply nested (over 100 levels) text.
nlohmann::json parse_json(std::string_view text, const std::string& source);

/// Reads a whole text file. Throws Error naming the path when it is missing, a directory, unreadable or over 16 MiB.
std::string read_text_file(const std::string& path);

/// A JSON object read key by key, with errors that name the source, the full key, the value and what was expected.
/// A key that is null counts as absent.
class JsonObject {
 public:
  /// `source` is what messages call the document (usually its path), `path` the key of this object inside it.
  /// Throws Error if `value` is not an object.
  JsonObject(const nlohmann::json& value, std::string source, std::string path = {});

  bool has(std::string_view key) const;
  /// Whether `key` is there and null, for formats in which that differs from a missing key.
  bool is_null(std::string_view key) const;
  const nlohmann::json& raw(std::string_view key) const;

  /// The value of `key`; Error when absent, of another type, or out of [low, high].
  std::int64_t integer(std::string_view key, std::int64_t low = 1, std::int64_t high = std::int64_t{1} << 40) const;
  double number(std::string_view key) const;
  bool boolean(std::string_view key) const;
  std::string string(std::string_view key) const;
  JsonObject object(std::string_view key) const;
  const nlohmann::json& array(std::string_view key) const;

  /// The same with a value for an absent (or null) key.
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t low = 1,
                          std::int64_t high = std::int64_t{1} << 40) const;
  double number_or(std::string_view key, double fallback) const;
  bool boolean_or(std::string_view key, bool fallback) const;
  std::string string_or(std::string_view key, const std::string& fallback) const;
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t low = 1,
                                               std::int64_t high = std::int64_t{1} << 40) const;
  std::optional<double> optional_number(std::string_view key) const;

  /// Error naming the first key that is not in `known`, with a "did you mean": for the project's own file formats.
  void refuse_unknown(std::initializer_list<std::string_view> known) const;

  /// Throws Error "SOURCE: key 'PATH.KEY' = VALUE: PROBLEM".
  [[noreturn]] void fail(std::string_view key, const std::string& problem) const;

  const std::string& source() const { return source_; }
  /// The key with the path of this object in front: "series[1].fields.layout".
  std::string full_key(std::string_view key) const;

 private:
  const nlohmann::json& value_;
  std::string source_;
  std::string path_;
};

}  // namespace gemmetry
