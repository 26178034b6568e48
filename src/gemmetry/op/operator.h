#pragma once

#include <cstddef>
#include <string_view>
#include <variant>

#include "gemmetry/op/attention.h"
#include "gemmetry/op/collective.h"
#include "gemmetry/op/gemm.h"
#include "gemmetry/op/pointwise.h"

namespace gemmetry::op {

/// Any operator, as a value. What is priced, measured and run.
using Operator = std::variant<Gemm, GroupedGemm, Attention, Norm, Softmax, Activation, Rotary, Residual, Embedding,
                              CrossEntropy, Optimizer, Pointwise, Collective>;

/// Floating-point operations of one execution; 0 for operators that only move memory.
double flop(const Operator& op);

/// Compulsory bytes of one execution: device memory, or links for a collective.
double bytes(const Operator& op);

/// "gemm", "attention", ...: the name of the type.
std::string_view kind(const Operator& op);

std::size_t hash(const Operator& op);

struct OperatorHash {
  std::size_t operator()(const Operator& op) const { return hash(op); }
};

}  // namespace gemmetry::op
