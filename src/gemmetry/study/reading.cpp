#include "gemmetry/study/reading.h"

#include <fmt/ranges.h>

#include "gemmetry/base/error.h"

namespace gemmetry::study {
namespace {

constexpr std::int64_t largest = std::int64_t{1} << 53;

}  // namespace

Expression formula(const JsonObject& object, std::string_view key) {
  const nlohmann::json& value = object.raw(key);
  if (!value.is_number() && !value.is_string())
    object.fail(key, "expected a formula of whole numbers, as in \"8*h/3\"");
  const std::string text =
      value.is_string() ? object.string(key) : fmt::format("{}", object.integer(key, -largest, largest));
  return {fmt::format("{}: key '{}'", object.source(), object.full_key(key)), text};
}

std::optional<Expression> optional_formula(const JsonObject& object, std::string_view key) {
  if (!object.has(key)) return std::nullopt;
  return formula(object, key);
}

std::string line(const JsonObject& object, std::string_view key) {
  std::string text = object.string(key);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) object.fail(key, "expected a text that says something");
  if (text.find_first_of("\r\n") != std::string::npos) object.fail(key, "expected a text of one line");
  return text;
}

std::string plain_text(const JsonObject& object, std::string_view key) {
  const nlohmann::json& value = object.raw(key);
  if (value.is_string()) return object.string(key);
  if (value.is_structured()) object.fail(key, "expected a word, a number, or true or false");
  return value.dump();
}

std::vector<std::string> keys(const nlohmann::json& object) {
  std::vector<std::string> all;
  for (const auto& [key, value] : object.items()) all.push_back(key);
  return all;
}

void refuse_choice(const JsonObject& object, std::string_view key, std::string_view word,
                   const std::vector<std::string>& choices) {
  object.fail(key, fmt::format("expected {}{}", fmt::join(choices, ", "), did_you_mean(word, choices)));
}

}  // namespace gemmetry::study
