#include "gemmetry/shape/dtype.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "gemmetry/base/error.h"
#include "gemmetry/base/suggest.h"

namespace gemmetry::shape {
namespace {
constexpr std::array all{Dtype::bf16, Dtype::fp16, Dtype::fp8, Dtype::tf32, Dtype::fp32};
}

std::string_view name(Dtype dtype) {
  switch (dtype) {
    case Dtype::bf16:
      return "bf16";
    case Dtype::fp16:
      return "fp16";
    case Dtype::fp8:
      return "fp8";
    case Dtype::tf32:
      return "tf32";
    case Dtype::fp32:
      return "fp32";
  }
  return "?";
}

std::span<const Dtype> all_dtypes() { return all; }

Dtype dtype_from_name(std::string_view text) {
  std::vector<std::string> names;
  for (const Dtype dtype : all) {
    if (name(dtype) == text) return dtype;
    names.emplace_back(name(dtype));
  }
  throw Error(
      fmt::format("dtype '{}' is unknown: use bf16, fp16, fp8, tf32 or fp32{}", text, did_you_mean(text, names)));
}

}  // namespace gemmetry::shape
