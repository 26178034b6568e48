#include "gemmetry/base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry {
namespace {

constexpr std::size_t max_text_bytes = 16u << 20;
constexpr int max_depth = 100;

using nlohmann::json;

/// A value as it is shown in a message: compact and short, whatever bytes it holds.
std::string shown(const json& value) {
  std::string text = value.is_structured() && value.size() > 20
                         ? fmt::format("{} of {} entries", value.type_name(), value.size())
                         : value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

}  // namespace

json parse_json(std::string_view text, const std::string& source) {
  if (text.size() > max_text_bytes)
    throw Error(fmt::format("{}: {} bytes of JSON; the limit is 16 MiB", source, text.size()));
  int deepest = 0;
  const json::parser_callback_t watch_depth = [&](int depth, json::parse_event_t, json&) {
    deepest = std::max(deepest, depth);
    if (depth > max_depth) throw Error(fmt::format("{}: JSON nested deeper than {} levels", source, max_depth));
    return true;
  };
  try {
    return json::parse(text, watch_depth);
  } catch (const json::parse_error& e) {
    const auto at = std::min<std::size_t>(e.byte, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw Error(fmt::format("{}: not valid JSON near line {} (byte {}); check for a missing quote, comma or bracket",
                            source, line, e.byte));
  } catch (const json::out_of_range&) {
    throw Error(fmt::format("{}: not valid JSON: a number is too large; sizes are whole numbers to 2^40", source));
  } catch (const json::exception& e) {
    throw Error(fmt::format("{}: not valid JSON: {}", source, e.what()));
  }
}

std::string read_text_file(const std::string& path) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) throw Error(fmt::format("{}: no such file", path));
  if (std::filesystem::is_directory(status)) throw Error(fmt::format("{}: is a directory; name a file", path));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error(fmt::format("{}: cannot be read; check its permissions", path));
  std::string text;
  std::vector<char> chunk(1 << 16);
  while (stream.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), stream.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > max_text_bytes) throw Error(fmt::format("{}: larger than 16 MiB", path));
  }
  return text;
}

JsonObject::JsonObject(const json& value, std::string source, std::string path)
    : value_(value), source_(std::move(source)), path_(std::move(path)) {
  if (!value.is_object())
    throw Error(fmt::format("{}: {} is {}, expected a JSON object", source_,
                            path_.empty() ? "the document" : "key '" + path_ + "'", value.type_name()));
}

std::string JsonObject::full_key(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void JsonObject::fail(std::string_view key, const std::string& problem) const {
  const auto found = value_.find(key);
  if (found == value_.end()) throw Error(fmt::format("{}: key '{}' is missing: {}", source_, full_key(key), problem));
  throw Error(fmt::format("{}: key '{}' = {}: {}", source_, full_key(key), shown(*found), problem));
}

bool JsonObject::has(std::string_view key) const {
  const auto found = value_.find(key);
  return found != value_.end() && !found->is_null();
}

bool JsonObject::is_null(std::string_view key) const {
  const auto found = value_.find(key);
  return found != value_.end() && found->is_null();
}

const json& JsonObject::raw(std::string_view key) const {
  if (!has(key)) fail(key, "it must be given");
  return *value_.find(key);
}

std::int64_t JsonObject::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const json& value = raw(key);
  const auto check = [&](std::int64_t v) {
    if (v < low || v > high) fail(key, fmt::format("expected a whole number from {} to {}", low, high));
    return v;
  };
  if (value.is_number_unsigned()) {
    const auto v = value.get<std::uint64_t>();
    if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      fail(key, fmt::format("expected a whole number from {} to {}", low, high));
    return check(static_cast<std::int64_t>(v));
  }
  if (value.is_number_integer()) return check(value.get<std::int64_t>());
  if (value.is_number_float()) {
    const double v = value.get<double>();
    if (v == std::floor(v) && std::abs(v) < 9e15) return check(static_cast<std::int64_t>(v));
  }
  fail(key, fmt::format("expected a whole number from {} to {}", low, high));
}

double JsonObject::number(std::string_view key) const {
  const json& value = raw(key);
  if (!value.is_number() || !std::isfinite(value.get<double>())) fail(key, "expected a number");
  return value.get<double>();
}

bool JsonObject::boolean(std::string_view key) const {
  const json& value = raw(key);
  if (!value.is_boolean()) fail(key, "expected true or false");
  return value.get<bool>();
}

std::string JsonObject::string(std::string_view key) const {
  const json& value = raw(key);
  if (!value.is_string()) fail(key, "expected a string");
  return value.get<std::string>();
}

JsonObject JsonObject::object(std::string_view key) const { return JsonObject(raw(key), source_, full_key(key)); }

const json& JsonObject::array(std::string_view key) const {
  const json& value = raw(key);
  if (!value.is_array()) fail(key, "expected a list");
  return value;
}

std::int64_t JsonObject::integer_or(std::string_view key, std::int64_t fallback, std::int64_t low,
                                    std::int64_t high) const {
  return has(key) ? integer(key, low, high) : fallback;
}
double JsonObject::number_or(std::string_view key, double fallback) const { return has(key) ? number(key) : fallback; }
bool JsonObject::boolean_or(std::string_view key, bool fallback) const { return has(key) ? boolean(key) : fallback; }
std::string JsonObject::string_or(std::string_view key, const std::string& fallback) const {
  return has(key) ? string(key) : fallback;
}
std::optional<std::int64_t> JsonObject::optional_integer(std::string_view key, std::int64_t low,
                                                         std::int64_t high) const {
  if (!has(key)) return std::nullopt;
  return integer(key, low, high);
}
std::optional<double> JsonObject::optional_number(std::string_view key) const {
  if (!has(key)) return std::nullopt;
  return number(key);
}

void JsonObject::refuse_unknown(std::initializer_list<std::string_view> known) const {
  std::vector<std::string> names(known.begin(), known.end());
  for (const auto& [key, value] : value_.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw Error(fmt::format("{}: unknown key '{}'{}", source_, full_key(key), did_you_mean(key, names)));
}

}  // namespace gemmetry
