#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "gemmetry/measure/axis.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::cli {

/// "--kv-heads" for the field kv_heads.
std::string flag_of(std::string_view field);

/// Which operators of one kind: an option for each of its fields that takes values, ranges and lists, or a CSV file
/// with a column for each.
class OperatorSource {
 public:
  explicit OperatorSource(std::string kind) : kind_(std::move(kind)) {}

  void add_to(CLI::App& app);

  /// The operators, equal ones once; `dtype` is that of operators that do not say. Error naming what is missing or
  /// wrong.
  std::vector<op::Operator> operators(shape::Dtype dtype) const;

 private:
  std::vector<op::Operator> from_file(shape::Dtype dtype) const;
  std::vector<op::Operator> self_attention(const std::string& queries, shape::Dtype dtype) const;
  void require_sizes() const;

  std::string kind_;
  std::vector<measure::Axis> axes_;
  std::string file_;
};

}  // namespace gemmetry::cli
