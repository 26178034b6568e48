#include "gemmetry/shape/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "gemmetry/base/error.h"

namespace gemmetry::shape {
namespace {

using nlohmann::json;

constexpr std::size_t max_bytes = 1u << 20;
constexpr std::size_t max_depth = 50;
constexpr std::size_t max_values = 100'000;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

template <typename Number>
bool parses_as(const std::string& text, Number& value) {
  const char* first = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(first, last, value);
  return problem == std::errc{} && end == last;
}

/// The value of a plain (unquoted) scalar.
json plain_scalar(const std::string& text) {
  const std::string word = lower(text);
  if (word.empty() || word == "~" || word == "null") return nullptr;
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  const bool number = text.find_first_of("0123456789") != std::string::npos &&
                      text.find_first_not_of("+-.0123456789_eE") == std::string::npos;
  if (!number) return text;
  std::string digits = text;
  std::erase(digits, '_');
  if (std::int64_t whole = 0; parses_as(digits, whole)) return whole;
  if (double real = 0; parses_as(digits, real)) return real;
  return text;
}

/// Builds the JSON value from the parser's events, so that nothing is kept or followed that the limits do not allow.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(const std::string& source) : source_(source) {}

  json take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(mark, anchor, nullptr); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const bool is_text = tag == "!" || tag.ends_with(":str");  // quoted, or said to be
    add(mark, anchor, is_text ? json(text) : plain_scalar(text), &text);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(mark, "an alias stands inside what it names; write the value out");
    if (open_.size() + found->second.depth > max_depth) fail_depth(mark);
    count(mark, found->second.weight);
    place(mark, found->second.value, nullptr);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(mark, anchor, json::array());
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(mark, anchor, json::object());
  }
  void OnMapEnd() override { end(); }

 private:
  struct Anchor {
    json value;
    std::size_t weight;
    std::size_t depth;  ///< of nesting in it
  };
  struct Open {
    json value;
    YAML::Mark mark;
    YAML::anchor_t anchor;
    std::size_t weight_before;
    std::size_t depth = 1;
    std::string key{};
    bool has_key = false;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& problem) const {
    throw Error(fmt::format("{}: line {}: {}", source_, mark.line + 1, problem));
  }
  [[noreturn]] void fail_depth(const YAML::Mark& mark) const {
    fail(mark, fmt::format("YAML nested deeper than {} levels", max_depth));
  }

  /// A value weighs one, and a long text more: an alias can multiply either.
  static std::size_t weight(const std::string* text) { return 1 + (text != nullptr ? text->size() / 64 : 0); }

  void count(const YAML::Mark& mark, std::size_t weight) {
    weight_ += weight;
    if (weight_ > max_values) fail(mark, fmt::format("more than {} YAML values", max_values));
  }

  void start(const YAML::Mark& mark, YAML::anchor_t anchor, json empty) {
    if (!open_.empty() && open_.back().value.is_object() && !open_.back().has_key)
      fail(mark, "a list or map where a key is expected; check for a missing bracket or quote");
    if (open_.size() >= max_depth) fail_depth(mark);
    count(mark, weight(nullptr));
    open_.push_back({std::move(empty), mark, anchor, weight_ - 1});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    if (!open_.empty()) open_.back().depth = std::max(open_.back().depth, done.depth + 1);
    if (done.anchor != YAML::NullAnchor) anchors_[done.anchor] = {done.value, weight_ - done.weight_before, done.depth};
    place(done.mark, std::move(done.value), nullptr);
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, json value, const std::string* text = nullptr) {
    count(mark, weight(text));
    if (anchor != YAML::NullAnchor) anchors_[anchor] = {value, weight(text), 0};
    place(mark, std::move(value), text);
  }

  /// Puts a finished value where it belongs; `text` is a scalar's, should it turn out to be a key.
  void place(const YAML::Mark& mark, json value, const std::string* text) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.value.is_array()) {
      parent.value.push_back(std::move(value));
    } else if (parent.has_key) {
      parent.value[parent.key] = std::move(value);
      parent.has_key = false;
    } else {
      if (text == nullptr) fail(mark, "a key that is not a word; write a key and a colon");
      if (*text == "<<") fail(mark, "merge keys (<<) are not supported; write the keys out");
      if (parent.value.contains(*text))
        fail(mark, fmt::format("key '{}' is given twice; keep one", text->substr(0, 60)));
      parent.key = *text;
      parent.has_key = true;
    }
  }

  const std::string& source_;
  json root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::size_t weight_ = 0;
};

}  // namespace

json parse_yaml(std::string_view text, const std::string& source) {
  if (text.size() > max_bytes)
    throw Error(fmt::format("{}: {} bytes of YAML; the limit is 1 MiB", source, text.size()));
  std::istringstream stream{std::string(text)};
  Builder builder(source);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) throw Error(fmt::format("{}: holds no YAML document", source));
    Builder second(source);
    if (parser.HandleNextDocument(second))
      throw Error(fmt::format("{}: holds more than one YAML document; keep the one with the model", source));
  } catch (const YAML::Exception& e) {
    throw Error(fmt::format("{}: not valid YAML near line {}: {}; check brackets, quotes and indentation", source,
                            e.mark.line + 1, e.msg));
  }
  return builder.take();
}

}  // namespace gemmetry::shape
