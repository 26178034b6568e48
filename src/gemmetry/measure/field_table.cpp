#include "gemmetry/measure/field_table.h"

#include <fmt/ranges.h>

namespace gemmetry::measure {
namespace {

struct Text {
  std::string operator()(std::monostate) const { return ""; }
  std::string operator()(std::nullptr_t) const { return ""; }
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(const std::string& value) const { return value; }
  std::string operator()(const std::vector<double>& values) const { return fmt::format("{}", fmt::join(values, " ")); }
  template <class Number>
  std::string operator()(Number value) const {
    return fmt::format("{}", value);
  }
};

}  // namespace

std::string text_of(const FieldValue& value) { return std::visit(Text{}, value); }

}  // namespace gemmetry::measure
