#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/base/text_value.h"
#include "gemmetry/study/expression_node.h"

namespace gemmetry::study {
namespace {

using Node = Expression::Node;

constexpr std::size_t longest_text = 1000;
constexpr int deepest = 100;  ///< parentheses, calls and signs within each other

struct Binary {
  std::string_view sign;
  Operation operation;
};

/// Binary operators by how tightly they bind, the loosest first; of one level, longer signs first.
constexpr std::array<std::array<Binary, 6>, 5> levels{{
    {{{"||", Operation::either}}},
    {{{"&&", Operation::both}}},
    {{{"==", Operation::equal},
      {"!=", Operation::unequal},
      {"<=", Operation::at_most},
      {">=", Operation::at_least},
      {"<", Operation::less},
      {">", Operation::greater}}},
    {{{"+", Operation::add}, {"-", Operation::subtract}}},
    {{{"*", Operation::multiply}, {"/", Operation::divide}, {"%", Operation::remainder}}},
}};

bool starts_number(char c) { return std::isdigit(static_cast<unsigned char>(c)) || c == '.'; }

NodePointer node(Operation operation, NodePointer left, NodePointer right = nullptr) {
  auto made = std::make_unique<Node>();
  made->operation = operation;
  made->left = std::move(left);
  made->right = std::move(right);
  return made;
}

/// Recursive descent over the levels above, then signs, powers and what stands alone.
class Parser {
 public:
  Parser(std::string_view text, std::vector<std::string>& names) : text_(text), names_(names) {}

  NodePointer parse() {
    if (text_.size() > longest_text) throw Error(fmt::format("longer than {} characters", longest_text));
    NodePointer whole = binary(0);
    if (!at_end()) expected("an operator");
    return whole;
  }

 private:
  NodePointer binary(std::size_t level) {
    if (level == levels.size()) return sign();
    NodePointer left = binary(level + 1);
    while (const Binary* found = operator_of(level)) {
      place_ += found->sign.size();
      left = node(found->operation, std::move(left), binary(level + 1));
    }
    return left;
  }

  const Binary* operator_of(std::size_t level) {
    skip_blanks();
    for (const Binary& one : levels[level])
      if (!one.sign.empty() && rest().starts_with(one.sign)) return &one;
    return nullptr;
  }

  NodePointer sign() {
    const Depth inside(*this);
    if (take('-')) return node(Operation::negate, sign());
    if (!rest().starts_with("!=") && take('!')) return node(Operation::negation, sign());
    return power();
  }

  NodePointer power() {
    NodePointer base = single();
    if (!take('^')) return base;
    const Depth inside(*this);
    return node(Operation::power, std::move(base), power());
  }

  NodePointer single() {
    skip_blanks();
    if (at_end()) expected("a number, a name or '('");
    if (take('(')) {
      NodePointer inner = binary(0);
      require(')');
      return inner;
    }
    if (starts_name(text_[place_])) return named();
    if (starts_number(text_[place_])) return number();
    expected("a number, a name or '('");
  }

  NodePointer named() {
    const std::size_t first = place_;
    const std::string name(run(continues_name));
    skip_blanks();
    if (rest().starts_with('(')) return call(name, first);
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
    auto made = std::make_unique<Node>();
    made->operation = Operation::variable;
    made->name = name;
    return made;
  }

  NodePointer call(const std::string& name, std::size_t first) {
    const auto function =
        std::find_if(functions.begin(), functions.end(), [&](const Function& one) { return one.name == name; });
    if (function == functions.end()) {
      std::vector<std::string> known;
      known.reserve(functions.size());
      for (const Function& one : functions) known.emplace_back(one.name);
      place_ = first;
      expected(fmt::format("one of the functions {}{}", fmt::join(known, ", "), did_you_mean(name, known)));
    }
    require('(');
    NodePointer left = binary(0);
    if (function->arguments == 2) require(',');
    NodePointer right = function->arguments == 2 ? binary(0) : nullptr;
    require(')');
    return node(function->operation, std::move(left), std::move(right));
  }

  NodePointer number() {
    const std::size_t first = place_;
    run([](char c) { return starts_number(c) || continues_name(c); });
    // 3e+5: the sign belongs to the number.
    if (std::tolower(static_cast<unsigned char>(text_[place_ - 1])) == 'e' && rest().starts_with('+')) {
      ++place_;
      run(continues_name);
    }
    auto made = std::make_unique<Node>();
    try {
      made->number = whole_number("", text_.substr(first, place_ - first), 0);
    } catch (const Error&) {
      place_ = first;
      expected("a whole number of at most 2^53, as in 2048 or 3e5");
    }
    return made;
  }

  /// Counts what stands within each other while it lives.
  struct Depth {
    explicit Depth(Parser& of) : parser(of) {
      if (++parser.depth_ > deepest) throw Error(fmt::format("nested deeper than {} levels", deepest));
    }
    ~Depth() { --parser.depth_; }
    Parser& parser;
  };

  std::string_view rest() const { return text_.substr(place_); }
  bool at_end() {
    skip_blanks();
    return place_ == text_.size();
  }
  void skip_blanks() {
    run([](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  }

  template <class Matches>
  std::string_view run(Matches matches) {
    const std::size_t first = place_;
    while (place_ < text_.size() && matches(text_[place_])) ++place_;
    return text_.substr(first, place_ - first);
  }

  bool take(char c) {
    skip_blanks();
    if (!rest().starts_with(c)) return false;
    ++place_;
    return true;
  }

  void require(char c) {
    if (!take(c)) expected(fmt::format("'{}'", c));
  }

  [[noreturn]] void expected(const std::string& what) {
    if (at_end()) throw Error(fmt::format("expected {} at its end", what));
    throw Error(fmt::format("expected {} at '{}'", what, rest().substr(0, 20)));
  }

  std::string_view text_;
  std::vector<std::string>& names_;
  std::size_t place_ = 0;
  int depth_ = 0;
};

}  // namespace

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool continues_name(char c) { return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)); }

NodePointer parse_expression(std::string_view text, std::vector<std::string>& names) {
  return Parser(text, names).parse();
}

}  // namespace gemmetry::study
