#include "gemmetry/measure/product.h"

#include <algorithm>

#include "gemmetry/measure/operands.h"

namespace gemmetry::measure {

Product product(const op::Gemm& g, std::int64_t index) {
  return {.m = g.m,
          .n = g.n,
          .k = g.k,
          .a_transposed = g.layout == op::Layout::tn,
          .b_transposed = g.layout == op::Layout::nt,
          .a = index * g.m * g.k,
          .b = index * g.k * g.n,
          .c = index * g.m * g.n};
}

Product product(const op::GroupedGemm& g, std::int64_t index) {
  const std::int64_t first = index * (g.rows / g.experts) + std::min(index, g.rows % g.experts);
  const std::int64_t rows = rows_of_expert(g.rows, g.experts, index);
  if (g.layout == op::Layout::tn)
    return {.m = g.n,
            .n = g.k,
            .k = rows,
            .a_transposed = true,
            .b_transposed = false,
            .a = first * g.n,
            .b = first * g.k,
            .c = index * g.n * g.k};
  return {.m = rows,
          .n = g.n,
          .k = g.k,
          .a_transposed = false,
          .b_transposed = g.layout == op::Layout::nt,
          .a = first * g.k,
          .b = index * g.n * g.k,
          .c = first * g.n};
}

}  // namespace gemmetry::measure
