#pragma once

#include "gemmetry/measure/record.h"

namespace gemmetry::measure {

/// The order of records in files that are kept, so that a new export differs where records do: by kind, the operator's
/// fields, setting and take, then by whatever else tells them apart.
bool comes_before(const Record& a, const Record& b);

}  // namespace gemmetry::measure
