#pragma once

#include <compare>
#include <string>

#include "gemmetry/gpu/gpu.h"
#include "gemmetry/op/operator.h"

namespace gemmetry::calibrate {

/// Operators that a model is right or wrong about in the same way: errors are stated by these. Texts are empty where a
/// distinction does not apply.
struct ShapeClass {
  std::string kind;       ///< the operator's, but "bmm" for batched products, "attention_backward" and "decode"
  std::string dtype;      ///< of the operands
  std::string clocks;     ///< "burst", "sustained"
  std::string alignment;  ///< of products: "aligned" to 16 bytes, else to how many elements: "by 1", "by 2", ...
  std::string size;       ///< "m <= 64", "64 < m < 1024", "m >= 1024" where n, k >= 512; "s < 1024"; "above 1 MiB"; ...

  auto operator<=>(const ShapeClass&) const = default;
};

ShapeClass class_of(const op::Operator& op, gpu::Clocks clocks);

/// "gemm bf16 burst aligned m >= 1024".
std::string text_of(const ShapeClass& one);

/// How far apart two operators of the same class are: the sum over their sizes of the octaves between them; infinite
/// where anything but sizes differs.
double octaves_between(const op::Operator& a, const op::Operator& b);

}  // namespace gemmetry::calibrate
