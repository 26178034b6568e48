#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/field_table.h"
#include "gemmetry/measure/record.h"

namespace gemmetry::measure {

/// One entry of the field table of records of operators.
using RecordField = FieldOf<Record>;

/// All fields, in order: the operator's kind, the fields that any operator has, then those of the measurement. A record
/// is read by setting them in this order.
const std::vector<RecordField>& record_fields();

/// Key of the field that holds every sample.
inline constexpr std::string_view samples_key = "samples_s";

/// A record from the texts of its fields, text(i) being that of record_fields()[i]. Errors begin "column 'KEY': ".
Record read_record(const std::function<std::string(std::size_t field)>& text);

}  // namespace gemmetry::measure
