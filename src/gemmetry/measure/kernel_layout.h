#pragma once

#include <cstdint>
#include <string_view>

#include "gemmetry/measure/kernel.h"

namespace gemmetry::measure {

/// "product", "attention", ...: the kernel's name in messages.
std::string_view name(const Kernel& kernel);

/// Operands of a call, those in brackets counted where the kernel has them.
std::int64_t operand_count(const Kernel& kernel);

/// The kernel with every stride of 0 replaced by that of dense rows.
Kernel with_strides(const Kernel& kernel);

inline bool reads_bias(const ProductKernel& kernel) {
  return kernel.gemm.epilogue == op::Epilogue::bias || kernel.gemm.epilogue == op::Epilogue::bias_gelu;
}
inline bool is_gelu(const ProductKernel& kernel) {
  return kernel.gemm.epilogue == op::Epilogue::gelu || kernel.gemm.epilogue == op::Epilogue::bias_gelu;
}

}  // namespace gemmetry::measure
