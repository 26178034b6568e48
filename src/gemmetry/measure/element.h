#pragma once

#include <cstdint>

#include "gemmetry/shape/dtype.h"

namespace gemmetry::measure {

/// How an element lies in a buffer. `fp8` is e4m3.
enum class Element : std::uint8_t { fp32, bf16, fp16, fp8, int32, byte };

constexpr std::int64_t element_bytes(Element element) {
  switch (element) {
    case Element::fp32:
    case Element::int32:
      return 4;
    case Element::bf16:
    case Element::fp16:
      return 2;
    case Element::fp8:
    case Element::byte:
      return 1;
  }
  return 1;
}

constexpr Element element_of(shape::Dtype dtype) {
  switch (dtype) {
    case shape::Dtype::bf16:
      return Element::bf16;
    case shape::Dtype::fp16:
      return Element::fp16;
    case shape::Dtype::fp8:
      return Element::fp8;
    case shape::Dtype::tf32:
    case shape::Dtype::fp32:
      return Element::fp32;
  }
  return Element::fp32;
}

}  // namespace gemmetry::measure
