#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/study/expression.h"

namespace gemmetry::study {

enum class Operation {
  constant,
  variable,
  either,
  both,
  equal,
  unequal,
  less,
  at_most,
  greater,
  at_least,
  add,
  subtract,
  multiply,
  divide,
  remainder,
  power,
  negate,
  negation,
  min,
  max,
  pow2,
  round_up,
  round_down,
};

/// A function that formulas may call.
struct Function {
  std::string_view name;
  Operation operation;
  std::size_t arguments;
};

inline constexpr std::array functions{
    Function{"min", Operation::min, 2},
    Function{"max", Operation::max, 2},
    Function{"pow2", Operation::pow2, 1},
    Function{"round_up", Operation::round_up, 2},
    Function{"round_down", Operation::round_down, 2},
};

/// What is computed, of what.
struct Expression::Node {
  Operation operation = Operation::constant;
  std::int64_t number = 0;  ///< of a constant
  std::string name;         ///< of a variable
  std::unique_ptr<const Node> left, right;
};

using NodePointer = std::unique_ptr<const Expression::Node>;

/// The tree of a formula; its names are appended to `names`, each once. Error with the place and what was expected.
NodePointer parse_expression(std::string_view text, std::vector<std::string>& names);

bool starts_name(char c);
bool continues_name(char c);

}  // namespace gemmetry::study
