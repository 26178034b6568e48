#pragma once

#include <cstdint>

#include "gemmetry/op/gemm.h"

namespace gemmetry::measure {

/// One of the products a Gemm or GroupedGemm is made of, c[m,n] = op(a) op(b), by where its operands begin in the whole
/// operator's arrays. The arrays are dense: the columns of a stored matrix are its leading dimension.
struct Product {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool a_transposed = false;  ///< stored as [k, m]
  bool b_transposed = false;  ///< stored as [n, k]
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t c = 0;

  std::int64_t a_columns() const { return a_transposed ? m : k; }
  std::int64_t b_columns() const { return b_transposed ? k : n; }

  /// Indices of op(a)[i, l], op(b)[l, j] and c[i, j].
  std::int64_t a_index(std::int64_t i, std::int64_t l) const { return a + (a_transposed ? l * m + i : i * k + l); }
  std::int64_t b_index(std::int64_t l, std::int64_t j) const { return b + (b_transposed ? j * k + l : l * n + j); }
  std::int64_t a_step() const { return a_transposed ? m : 1; }  ///< from one l to the next
  std::int64_t b_step() const { return b_transposed ? 1 : n; }
  std::int64_t c_index(std::int64_t i, std::int64_t j) const { return c + i * n + j; }
};

inline std::int64_t products(const op::Gemm& gemm) { return gemm.batch; }
inline std::int64_t products(const op::GroupedGemm& gemm) { return gemm.experts; }

/// Product `index` of all.
Product product(const op::Gemm& gemm, std::int64_t index);
Product product(const op::GroupedGemm& gemm, std::int64_t index);

}  // namespace gemmetry::measure
