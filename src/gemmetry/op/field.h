#pragma once

#include <string_view>

namespace gemmetry::op {

/// One row of an operator's field table: CSV columns, JSON keys, record identity and equality all come from it.
template <class Op, class Value>
struct Field {
  std::string_view name;
  Value Op::*member;
  bool required = false;  ///< in an input file; otherwise the member's own default serves
};

template <class Op, class Value>
Field(std::string_view, Value Op::*, bool) -> Field<Op, Value>;

}  // namespace gemmetry::op
