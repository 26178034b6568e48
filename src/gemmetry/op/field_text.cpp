#include "gemmetry/op/field_text.h"

#include <string>

#include "gemmetry/base/text_value.h"

namespace gemmetry::op {

std::string_view word(shape::Dtype value) { return shape::name(value); }
std::string_view word(shape::NormKind value) {
  return value == shape::NormKind::layer_norm ? "layer_norm" : "rms_norm";
}
std::string_view word(shape::Activation value) { return shape::name(value); }
std::string_view word(Layout value) { return name(value); }
std::string_view word(Epilogue value) { return name(value); }
std::string_view word(CollectiveKind value) { return name(value); }
std::string_view word(Span value) { return name(value); }
std::string_view word(Function value) { return name(value); }

void read(std::string_view what, std::string_view text, bool required, std::int64_t& value) {
  value = whole_number(what, text, required || value > 0 ? 1 : 0);
}

void read(std::string_view what, std::string_view text, bool, double& value) {
  const double given = number(what, text);
  if (given < 0) refuse_text(what, text, "a number from 0");
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
    if (word(kind) == text) {
      value = kind;
      return;
    }
  refuse_word(what, text, {"layer_norm", "rms_norm"});
}

void read(std::string_view what, std::string_view text, bool, shape::Activation& value) {
  for (const shape::Activation function : {shape::Activation::gelu, shape::Activation::relu, shape::Activation::silu})
    if (word(function) == text) {
      value = function;
      return;
    }
  refuse_word(what, text, {"gelu", "relu", "silu"});
}

void read(std::string_view, std::string_view text, bool, Layout& value) { value = layout_from_name(text); }
void read(std::string_view, std::string_view text, bool, Epilogue& value) { value = epilogue_from_name(text); }
void read(std::string_view, std::string_view text, bool, Span& value) { value = span_from_name(text); }
void read(std::string_view, std::string_view text, bool, Function& value) { value = function_from_name(text); }
void read(std::string_view, std::string_view text, bool, CollectiveKind& value) { value = collective_from_name(text); }

}  // namespace gemmetry::op
