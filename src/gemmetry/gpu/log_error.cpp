#include "gemmetry/gpu/log_error.h"

#include <array>
#include <string_view>
#include <tuple>

namespace gemmetry::gpu {
namespace {

/// The classes of op::ErrorClass, by name: this room does not know operators.
constexpr std::array<std::string_view, 7> error_classes{
    "product", "thin_product", "misaligned_product", "batched_product", "attention", "pointwise", "collective"};

LogError read(const JsonObject& error) {
  error.refuse_unknown({"shared", "independent"});
  const auto deviation = [&](std::string_view key) {
    const double value = error.number(key);
    if (value < 0 || value > 3) error.fail(key, "expected a standard deviation of the logarithm, 0 to 3");
    return value;
  };
  return {deviation("shared"), deviation("independent")};
}

}  // namespace

LogErrors log_errors_from_json(const JsonObject& object, Classes classes) {
  std::apply([&](const auto&... names) { object.refuse_unknown({"source", names...}); }, error_classes);
  LogErrors errors;
  for (const std::string_view name : error_classes)
    if (classes == Classes::all || object.has(name)) errors[std::string(name)] = read(object.object(name));
  return errors;
}

}  // namespace gemmetry::gpu
