#include "gemmetry/report/table.h"

#include <algorithm>

namespace gemmetry::report {

bool is_absent(const Table& table, std::size_t column) {
  return !table.rows.empty() && std::all_of(table.rows.begin(), table.rows.end(), [&](const std::vector<Cell>& row) {
    return std::holds_alternative<std::monostate>(row[column].value);
  });
}

}  // namespace gemmetry::report
