#pragma once

#include <string>

#include "gemmetry/base/error.h"

namespace gemmetry {

/// The message of the error that a call ends with; empty when it ends well.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& problem) {
    return problem.what();
  }
  return "";
}

}  // namespace gemmetry
