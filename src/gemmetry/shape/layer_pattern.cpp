#include "gemmetry/shape/layer_pattern.h"

#include <charconv>
#include <string>

namespace gemmetry::shape {
namespace {

using List = std::vector<std::int64_t>;

/// A parser by recursive descent: sum = product {+ product}; product = (list | "(" sum ")") {* number}.
class Pattern {
 public:
  Pattern(std::string_view text, std::size_t limit) : limit_(limit) {
    for (const char c : text)
      if (c != ' ' && c != '\t') text_ += c;
  }

  std::optional<List> parse() {
    std::optional<List> list = sum(0);
    if (at_ != text_.size()) return std::nullopt;
    return list;
  }

 private:
  static constexpr int max_depth = 20;

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<std::int64_t> number() {
    std::int64_t value = 0;
    const char* first = text_.data() + at_;
    const auto [end, problem] = std::from_chars(first, text_.data() + text_.size(), value);
    if (problem != std::errc{} || value < 0) return std::nullopt;
    at_ += static_cast<std::size_t>(end - first);
    return value;
  }

  std::optional<List> sum(int depth) {
    std::optional<List> total = product(depth);
    while (total && take('+')) {
      const std::optional<List> next = product(depth);
      if (!next || total->size() + next->size() > limit_) return std::nullopt;
      total->insert(total->end(), next->begin(), next->end());
    }
    return total;
  }

  std::optional<List> product(int depth) {
    std::optional<List> list = factor(depth);
    while (list && take('*')) {
      const std::optional<std::int64_t> times = number();
      if (!times) return std::nullopt;
      if (*times > 0 && list->size() > limit_ / static_cast<std::size_t>(*times)) return std::nullopt;
      List repeated;
      for (std::int64_t i = 0; !list->empty() && i < *times; ++i)
        repeated.insert(repeated.end(), list->begin(), list->end());
      list = std::move(repeated);
    }
    return list;
  }

  std::optional<List> factor(int depth) {
    if (depth > max_depth) return std::nullopt;
    if (take('(')) {
      std::optional<List> inner = sum(depth + 1);
      if (!inner || !take(')')) return std::nullopt;
      return inner;
    }
    if (!take('[')) return std::nullopt;
    List list;
    do {
      const std::optional<std::int64_t> value = number();
      if (!value || list.size() >= limit_) return std::nullopt;
      list.push_back(*value);
    } while (take(','));
    if (!take(']')) return std::nullopt;
    return list;
  }

  std::string text_;
  std::size_t at_ = 0;
  std::size_t limit_;
};

}  // namespace

std::optional<std::vector<std::int64_t>> layer_pattern(std::string_view text, std::size_t limit) {
  return Pattern(text, limit).parse();
}

}  // namespace gemmetry::shape
