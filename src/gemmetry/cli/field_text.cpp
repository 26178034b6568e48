#include "gemmetry/cli/field_text.h"

#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/cli/arguments.h"

namespace gemmetry::cli {
namespace {

std::string_view name_of(shape::NormKind kind) {
  return kind == shape::NormKind::layer_norm ? "layer_norm" : "rms_norm";
}
std::string_view name_of(shape::Activation function) { return shape::name(function); }
std::string_view name_of(shape::Dtype dtype) { return shape::name(dtype); }
template <class Enum>
std::string_view name_of(Enum value) {
  return op::name(value);
}

report::Value text_cell(std::string_view text) { return std::string(text); }

}  // namespace

report::Value cell(shape::Dtype value) { return text_cell(name_of(value)); }
report::Value cell(shape::NormKind value) { return text_cell(name_of(value)); }
report::Value cell(shape::Activation value) { return text_cell(name_of(value)); }
report::Value cell(op::Layout value) { return text_cell(name_of(value)); }
report::Value cell(op::Epilogue value) { return text_cell(name_of(value)); }
report::Value cell(op::CollectiveKind value) { return text_cell(name_of(value)); }
report::Value cell(op::Span value) { return text_cell(name_of(value)); }
report::Value cell(op::Function value) { return text_cell(name_of(value)); }

void read(std::string_view what, std::string_view text, bool required, std::int64_t& value) {
  value = whole_number(what, text, required || value > 0 ? 1 : 0);
}

void read(std::string_view what, std::string_view text, bool, double& value) {
  const double given = number(what, text);
  if (given < 0) throw Error(std::string(what) + " = '" + std::string(text) + "': expected a number from 0");
  value = given;
}

void read(std::string_view what, std::string_view text, bool, bool& value) {
  if (text == "true" || text == "1" || text == "yes" || text == "True")
    value = true;
  else if (text == "false" || text == "0" || text == "no" || text == "False")
    value = false;
  else
    refuse_word(what, text, {"true", "false"});
}

void read(std::string_view, std::string_view text, bool, shape::Dtype& value) { value = shape::dtype_from_name(text); }

void read(std::string_view what, std::string_view text, bool, shape::NormKind& value) {
  for (const shape::NormKind kind : {shape::NormKind::layer_norm, shape::NormKind::rms_norm})
    if (name_of(kind) == text) {
      value = kind;
      return;
    }
  refuse_word(what, text, {"layer_norm", "rms_norm"});
}

void read(std::string_view what, std::string_view text, bool, shape::Activation& value) {
  for (const shape::Activation function : {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
    if (name_of(function) == text) {
      value = function;
      return;
    }
  refuse_word(what, text, {"gelu", "relu", "silu"});
}

void read(std::string_view, std::string_view text, bool, op::Layout& value) { value = op::layout_from_name(text); }
void read(std::string_view, std::string_view text, bool, op::Epilogue& value) { value = op::epilogue_from_name(text); }
void read(std::string_view, std::string_view text, bool, op::Span& value) { value = op::span_from_name(text); }
void read(std::string_view, std::string_view text, bool, op::Function& value) { value = op::function_from_name(text); }
void read(std::string_view, std::string_view text, bool, op::CollectiveKind& value) {
  value = op::collective_from_name(text);
}

}  // namespace gemmetry::cli
