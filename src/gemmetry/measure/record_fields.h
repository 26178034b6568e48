#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gemmetry/measure/record.h"

namespace gemmetry::measure {

/// What a record has in a field: nothing where the field does not apply, null where nobody knows.
using FieldValue =
    std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, double, std::string, std::vector<double>>;

/// One entry of the field table of records. Columns of the database and of CSV and keys of JSON all come from it.
struct RecordField {
  std::string key;  ///< dots nest in JSON
  std::function<FieldValue(const Record&)> get;
  /// Sets the field from the text that its value has in CSV; an empty text leaves it unset. Error naming key, text and
  /// what is expected.
  std::function<void(Record&, const std::string& text)> set;
};

/// All fields, in order: the operator's kind, the fields that any operator has, then those of the measurement. A record
/// is read by setting them in this order.
const std::vector<RecordField>& record_fields();

/// Key of the field that holds every sample.
inline constexpr std::string_view samples_key = "samples_s";

/// The value as `set` takes it; numbers read back exactly.
std::string text_of(const FieldValue& value);

/// A record from the texts of its fields, text(i) being that of record_fields()[i]. Errors begin "column 'KEY': ".
Record read_record(const std::function<std::string(std::size_t field)>& text);

}  // namespace gemmetry::measure
