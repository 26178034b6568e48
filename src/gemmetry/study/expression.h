#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gemmetry::study {

/// Named whole numbers: what an axis, a constant or a formula of a study gives at one point.
using Variables = std::map<std::string, std::int64_t, std::less<>>;

/// A whole number computed from named ones: "8*h/3", "round_up(v, 64)", "pow2(h/a) >= 8 && a == 32".
///
/// Numbers (4096, 3e5), names, ^ + - * / % (quotients are rounded down, as h/a and 8h/3 are meant), comparisons and
/// && || ! (1 or 0), parentheses, and the functions min, max, pow2(x): the largest power of two that divides x,
/// round_up(x, to) and round_down(x, to).
class Expression {
 public:
  /// Error naming `what`, the text, the place in it and what was expected.
  Expression(std::string_view what, std::string_view text);

  /// Error naming `what` and the text for an unknown name (with the nearest known), a division by zero or a number
  /// beyond 2^53.
  std::int64_t value(const Variables& variables) const;

  /// Error naming `what`, the text and the first of its names that is not among `known`, with the nearest.
  void require_names(const std::vector<std::string>& known) const;

  const std::string& text() const { return text_; }
  /// The names in it, each once, in their order.
  const std::vector<std::string>& names() const { return names_; }

  struct Node;

 private:
  std::string what_, text_;
  std::vector<std::string> names_;
  std::shared_ptr<const Node> root_;
};

/// Whether a text can name a variable: letters, digits and underscores, no digit first, and no function's name.
bool is_name(std::string_view text);

}  // namespace gemmetry::study
