#pragma once

#include <cstddef>
#include <vector>

#include "gemmetry/op/gemm.h"

namespace gemmetry::calibrate {

inline constexpr std::size_t most_quick_products = 200;

struct QuickPlan {
  std::size_t products = most_quick_products;
  op::Dtype dtype = op::Dtype::bf16;
  double most_flop = 1e12;  ///< of one product
  double most_bytes = 1e9;
};

/// Products that tell most about a GPU in little time: spread evenly over the logarithms of m (from one row to 16384),
/// n and k (512 to 32768), two in five of them with at most 64 rows, some misaligned and some batched. Fewer than asked
/// for where the limits leave no more. The same every time.
std::vector<op::Gemm> quick_products(const QuickPlan& plan);

}  // namespace gemmetry::calibrate
