#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gemmetry::shape {

/// Element types of operands. `fp8` is e4m3; `tf32` is fp32 in memory, multiplied in TF32 by the tensor cores.
enum class Dtype { bf16, fp16, fp8, tf32, fp32 };

/// Bytes an element takes in memory.
constexpr double bytes_per_element(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp8:
      return 1;
    case Dtype::bf16:
    case Dtype::fp16:
      return 2;
    case Dtype::tf32:
    case Dtype::fp32:
      return 4;
  }
  return 2;
}

/// "bf16", "fp16", "fp8", "tf32", "fp32".
std::string_view name(Dtype dtype);

/// The dtype of that name; Error naming the choices otherwise.
Dtype dtype_from_name(std::string_view name);

std::span<const Dtype> all_dtypes();

}  // namespace gemmetry::shape
