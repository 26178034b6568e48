#pragma once

#include <string>
#include <vector>

#include "gemmetry/op/kinds.h"
#include "gemmetry/report/table.h"

namespace gemmetry::cli {

/// A column for each field that any operator has, in JSON and CSV only; it applies to the operators that have the
/// field.
const std::vector<report::Column<op::Operator>>& field_columns();

/// The sizes on screen: "8192 x 7680 x 2560" (m, n, k), "128 x (2048 x 2048 x 80)", "rows 8192, width 2560".
std::string dims(const op::Operator& op);

}  // namespace gemmetry::cli
