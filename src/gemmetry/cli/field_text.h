#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gemmetry/op/collective.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/op/pointwise.h"
#include "gemmetry/report/value.h"

namespace gemmetry::cli {

// Every type that an operator's field table uses, as a cell and from a text. `what` names the field in errors.

inline report::Value cell(std::int64_t value) { return value; }
inline report::Value cell(double value) { return value; }
inline report::Value cell(bool value) { return value; }
report::Value cell(shape::Dtype value);
report::Value cell(shape::NormKind value);
report::Value cell(shape::Activation value);
report::Value cell(op::Layout value);
report::Value cell(op::Epilogue value);
report::Value cell(op::CollectiveKind value);
report::Value cell(op::Span value);
report::Value cell(op::Function value);

/// `value` holds the field's default: a whole number whose default is 0 and that may be left out may be 0.
void read(std::string_view what, std::string_view text, bool required, std::int64_t& value);
void read(std::string_view what, std::string_view text, bool required, double& value);
void read(std::string_view what, std::string_view text, bool required, bool& value);
void read(std::string_view what, std::string_view text, bool required, shape::Dtype& value);
void read(std::string_view what, std::string_view text, bool required, shape::NormKind& value);
void read(std::string_view what, std::string_view text, bool required, shape::Activation& value);
void read(std::string_view what, std::string_view text, bool required, op::Layout& value);
void read(std::string_view what, std::string_view text, bool required, op::Epilogue& value);
void read(std::string_view what, std::string_view text, bool required, op::CollectiveKind& value);
void read(std::string_view what, std::string_view text, bool required, op::Span& value);
void read(std::string_view what, std::string_view text, bool required, op::Function& value);

}  // namespace gemmetry::cli
