#include "gemmetry/study/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"
#include "gemmetry/study/expression_node.h"

namespace gemmetry::study {
namespace {

using Node = Expression::Node;

constexpr std::int64_t largest = std::int64_t{1} << 53;

[[noreturn]] void refuse_name(const std::string& name, const std::vector<std::string>& known) {
  const std::string all = known.empty() ? std::string("none") : fmt::format("{}", fmt::join(known, ", "));
  throw Error(fmt::format("unknown name '{}' (known: {}){}", name, all, did_you_mean(name, known)));
}

std::int64_t checked(std::int64_t value) {
  if (value > largest || value < -largest) throw Error("a number beyond 2^53");
  return value;
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) throw Error("a number beyond 2^53");
  return checked(result);
}

/// Rounded down, whatever the signs.
std::int64_t quotient(std::int64_t a, std::int64_t b) {
  if (b == 0) throw Error("division by zero");
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

std::int64_t power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) throw Error(fmt::format("the exponent is {}: expected a number from 0", exponent));
  if (base >= -1 && base <= 1) return base == -1 && exponent % 2 == 0 ? 1 : exponent == 0 ? 1 : base;
  std::int64_t result = 1;
  for (std::int64_t i = 0; i < exponent; ++i) result = product(result, base);
  return result;
}

std::int64_t rounded(std::int64_t value, std::int64_t to, bool up) {
  if (to < 1) throw Error(fmt::format("rounded to a multiple of {}: expected a number from 1", to));
  return product(quotient(up ? checked(value + to - 1) : value, to), to);
}

std::int64_t power_of_two_in(std::int64_t value) {
  if (value == 0) throw Error("pow2(0): every power of two divides 0");
  return std::int64_t{1} << std::countr_zero(static_cast<std::uint64_t>(value));
}

std::int64_t evaluate(const Node& node, const Variables& variables);

std::int64_t variable(const std::string& name, const Variables& variables) {
  const auto found = variables.find(name);
  if (found != variables.end()) return found->second;
  std::vector<std::string> known;
  for (const auto& [one, value] : variables) known.push_back(one);
  refuse_name(name, known);
}

std::int64_t combine(Operation operation, std::int64_t a, std::int64_t b) {
  switch (operation) {
    case Operation::equal:
      return a == b;
    case Operation::unequal:
      return a != b;
    case Operation::less:
      return a < b;
    case Operation::at_most:
      return a <= b;
    case Operation::greater:
      return a > b;
    case Operation::at_least:
      return a >= b;
    case Operation::add:
      return checked(a + b);
    case Operation::subtract:
      return checked(a - b);
    case Operation::multiply:
      return product(a, b);
    case Operation::divide:
      return quotient(a, b);
    case Operation::remainder:
      return a - quotient(a, b) * b;
    case Operation::power:
      return power(a, b);
    case Operation::min:
      return std::min(a, b);
    case Operation::max:
      return std::max(a, b);
    case Operation::round_up:
      return rounded(a, b, true);
    default:
      return rounded(a, b, false);
  }
}

std::int64_t evaluate(const Node& node, const Variables& variables) {
  switch (node.operation) {
    case Operation::constant:
      return node.number;
    case Operation::variable:
      return variable(node.name, variables);
    case Operation::either:
      return evaluate(*node.left, variables) != 0 || evaluate(*node.right, variables) != 0;
    case Operation::both:
      return evaluate(*node.left, variables) != 0 && evaluate(*node.right, variables) != 0;
    case Operation::negate:
      return -evaluate(*node.left, variables);
    case Operation::negation:
      return evaluate(*node.left, variables) == 0;
    case Operation::pow2:
      return power_of_two_in(evaluate(*node.left, variables));
    default:
      return combine(node.operation, evaluate(*node.left, variables), evaluate(*node.right, variables));
  }
}

/// Runs a step of an expression's life; what goes wrong in it gets the expression's name and text in front.
template <class Step>
auto explained(std::string_view what, std::string_view text, Step step) {
  try {
    return step();
  } catch (const Error& problem) {
    const std::string shown = text.size() > 80 ? fmt::format("{}...", text.substr(0, 77)) : std::string(text);
    throw Error(fmt::format("{} = '{}': {}", what, shown, problem.what()));
  }
}

}  // namespace

Expression::Expression(std::string_view what, std::string_view text) : what_(what), text_(text) {
  root_ = explained(what, text, [&] { return std::shared_ptr<const Node>(parse_expression(text_, names_)); });
}

std::int64_t Expression::value(const Variables& variables) const {
  return explained(what_, text_, [&] { return evaluate(*root_, variables); });
}

void Expression::require_names(const std::vector<std::string>& known) const {
  explained(what_, text_, [&] {
    for (const std::string& name : names_)
      if (std::find(known.begin(), known.end(), name) == known.end()) refuse_name(name, known);
  });
}

bool is_name(std::string_view text) {
  const auto reserved = [&](const Function& one) { return one.name == text; };
  return !text.empty() && starts_name(text.front()) && std::all_of(text.begin(), text.end(), continues_name) &&
         std::none_of(functions.begin(), functions.end(), reserved);
}

}  // namespace gemmetry::study
