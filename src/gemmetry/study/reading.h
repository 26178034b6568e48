#pragma once

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/json.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/study/study.h"

namespace gemmetry::study {

// What the readers of a study file's parts share. Errors are those of JsonObject: source, key, value and fix.

/// A formula: a text, or a whole number.
Expression formula(const JsonObject& object, std::string_view key);
std::optional<Expression> optional_formula(const JsonObject& object, std::string_view key);

/// A text that is not empty and fits a line.
std::string line(const JsonObject& object, std::string_view key);

/// What a text, a number or true and false says, as a text.
std::string plain_text(const JsonObject& object, std::string_view key);

/// The keys of an object's value.
std::vector<std::string> keys(const nlohmann::json& object);

/// Error for a word that is none of the choices.
[[noreturn]] void refuse_choice(const JsonObject& object, std::string_view key, std::string_view word,
                                const std::vector<std::string>& choices);

/// Runs a step that reads the value of `key`; what goes wrong in it becomes an error that names the key.
template <class Step>
auto reading(const JsonObject& object, std::string_view key, Step step) {
  try {
    return step();
  } catch (const Error& problem) {
    object.fail(key, problem.what());
  }
}

template <class Value>
using Word = std::pair<std::string_view, Value>;

/// What the word of `key` stands for, or the fallback where there is none.
template <class Value>
Value word_or(const JsonObject& object, std::string_view key, std::span<const Word<Value>> words, Value fallback) {
  if (!object.has(key)) return fallback;
  const std::string given = object.string(key);
  std::vector<std::string> choices;
  for (const auto& [word, value] : words) {
    if (word == given) return value;
    choices.emplace_back(word);
  }
  refuse_choice(object, key, given, choices);
}

}  // namespace gemmetry::study
