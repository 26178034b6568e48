#pragma once

#include <cstdint>

#include "gemmetry/measure/kernel.h"
#include "gemmetry/measure/rounding.h"

// What the kernels compute, in fp32 and rounded once, on operands in the order of their structs. Strides are those of
// measure::with_strides().

namespace gemmetry::backends::cpu {

/// A buffer's elements as fp32.
class Elements {
 public:
  Elements(measure::Element element, void* buffer) : element_(element), buffer_(buffer) {}
  Elements(shape::Dtype dtype, void* buffer) : Elements(measure::element_of(dtype), buffer) {}

  float operator[](std::int64_t index) const { return measure::load(element_, buffer_, index); }
  void set(std::int64_t index, float value) const { measure::store(element_, buffer_, index, value); }

 private:
  measure::Element element_;
  void* buffer_;
};

/// f(x) of the FFN's activation.
float activated(shape::Activation function, measure::Gelu gelu, float x);

/// In which order a product is summed.
struct Summing {
  std::int32_t parts = 0;  ///< of k, each in order, which are then added: rows do not hang on each other. 0: OpenBLAS's
  bool rounded = false;    ///< parts to the element before they are added, as reductions in the result's type do
};
void run(const measure::ProductKernel& kernel, void* const* operands, const Summing& summing = {});
void run(const measure::ActivatedProductKernel& kernel, void* const* operands);
void run(const measure::AttentionKernel& kernel, void* const* operands);
void run(const measure::NormKernel& kernel, void* const* operands);
void run(const measure::RotaryKernel& kernel, void* const* operands);
void run(const measure::AppendKernel& kernel, void* const* operands);
void run(const measure::RotaryAppendKernel& kernel, void* const* operands);
void run(const measure::ActivationKernel& kernel, void* const* operands);
void run(const measure::EmbeddingKernel& kernel, void* const* operands);
void run(const measure::GatherKernel& kernel, void* const* operands);
void run(const measure::SoftmaxKernel& kernel, void* const* operands);
void run(const measure::HeadsKernel& kernel, void* const* operands);
void run(const measure::SampleKernel& kernel, void* const* operands);
void run(const measure::AdvanceKernel& kernel, void* const* operands);
void run(const measure::FillKernel& kernel, void* const* operands);

}  // namespace gemmetry::backends::cpu
