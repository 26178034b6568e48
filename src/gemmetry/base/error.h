#pragma once

#include <stdexcept>
#include <string>

namespace gemmetry {

/// The one exception type of the library. The message names the thing, its value and the fix, on one line.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

}  // namespace gemmetry
