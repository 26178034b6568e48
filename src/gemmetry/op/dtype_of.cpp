#include "gemmetry/op/dtype_of.h"

namespace gemmetry::op {

shape::Dtype dtype_of(const Operator& op) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.dtype; })
          return one.dtype;
        else
          return shape::Dtype::bf16;
      },
      op);
}

}  // namespace gemmetry::op
