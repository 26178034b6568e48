#pragma once

#include <string>

#include "gemmetry/op/field_text.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {

// Every type that an operator's field table uses, as a cell.

inline report::Value cell(std::int64_t value) { return value; }
inline report::Value cell(double value) { return value; }
inline report::Value cell(bool value) { return value; }

template <class Enum>
report::Value cell(Enum value) {
  return std::string(op::word(value));
}

}  // namespace gemmetry::cli
