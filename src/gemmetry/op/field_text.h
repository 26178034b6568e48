#pragma once

#include <cstdint>
#include <string_view>

#include "gemmetry/op/collective.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/op/pointwise.h"

namespace gemmetry::op {

// Every type that an operator's field table uses, from a text; enumerations also as one.

std::string_view word(shape::Dtype value);
std::string_view word(shape::NormKind value);
std::string_view word(shape::Activation value);
std::string_view word(Layout value);
std::string_view word(Epilogue value);
std::string_view word(CollectiveKind value);
std::string_view word(Span value);
std::string_view word(Function value);

/// `what` names the field in errors; `value` holds its default: a whole number whose default is 0 and that may be left
/// out may be 0.
void read(std::string_view what, std::string_view text, bool required, std::int64_t& value);
void read(std::string_view what, std::string_view text, bool required, double& value);
void read(std::string_view what, std::string_view text, bool required, bool& value);
void read(std::string_view what, std::string_view text, bool required, shape::Dtype& value);
void read(std::string_view what, std::string_view text, bool required, shape::NormKind& value);
void read(std::string_view what, std::string_view text, bool required, shape::Activation& value);
void read(std::string_view what, std::string_view text, bool required, Layout& value);
void read(std::string_view what, std::string_view text, bool required, Epilogue& value);
void read(std::string_view what, std::string_view text, bool required, CollectiveKind& value);
void read(std::string_view what, std::string_view text, bool required, Span& value);
void read(std::string_view what, std::string_view text, bool required, Function& value);

}  // namespace gemmetry::op
