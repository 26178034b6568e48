#include <cblas.h>

#include <algorithm>

#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/product.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Product;

void multiply_openblas(const Product& p, const float* a, const float* b, float* c) {
  const auto small = [](std::int64_t size) { return static_cast<blasint>(size); };
  cblas_sgemm(CblasRowMajor, p.a_transposed ? CblasTrans : CblasNoTrans, p.b_transposed ? CblasTrans : CblasNoTrans,
              small(p.m), small(p.n), small(p.k), 1, a + p.a, small(p.a_columns()), b + p.b, small(p.b_columns()), 0,
              c + p.c, small(p.n));
}

/// Blocks of c in which the part of b that is read stays in the cache.
void multiply_loops(const Product& p, const float* a, const float* b, float* c) {
  constexpr std::int64_t depth = 128;
  constexpr std::int64_t width = 256;
  std::fill_n(c + p.c, p.m * p.n, 0.0f);
  for (std::int64_t l0 = 0; l0 < p.k; l0 += depth)
    for (std::int64_t j0 = 0; j0 < p.n; j0 += width) {
      const std::int64_t l1 = std::min(l0 + depth, p.k);
      const std::int64_t j1 = std::min(j0 + width, p.n);
      for (std::int64_t i = 0; i < p.m; ++i)
        for (std::int64_t l = l0; l < l1; ++l) {
          const float factor = a[p.a_index(i, l)];
          for (std::int64_t j = j0; j < j1; ++j) c[p.c_index(i, j)] += factor * b[p.b_index(l, j)];
        }
    }
}

void multiply(const Product& p, const Arrays& arrays, float* c, Multiplier multiplier) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k > 0 && multiplier == Multiplier::openblas)
    multiply_openblas(p, arrays[0].values, arrays[1].values, c);
  else
    multiply_loops(p, arrays[0].values, arrays[1].values, c);
}

}  // namespace

void run(const op::Gemm& gemm, const Arrays& arrays, Multiplier multiplier) {
  const bool biased = gemm.epilogue == op::Epilogue::bias || gemm.epilogue == op::Epilogue::bias_gelu;
  const bool gelus = gemm.epilogue == op::Epilogue::gelu || gemm.epilogue == op::Epilogue::bias_gelu;
  float* c = arrays[biased ? 3 : 2].values;
  for (std::int64_t index = 0; index < gemm.batch; ++index)
    multiply(measure::product(gemm, index), arrays, c, multiplier);
  for (std::int64_t row = 0; (biased || gelus) && row < gemm.batch * gemm.m; ++row)
    for (std::int64_t j = 0; j < gemm.n; ++j) {
      float& element = c[row * gemm.n + j];
      if (biased) element += arrays[2].values[j];
      if (gelus) element = gelu(element);
    }
  if (gemm.epilogue != op::Epilogue::bias_gradient) return;
  float* gradient = arrays[3].values;
  std::fill_n(gradient, gemm.m, 0.0f);
  for (std::int64_t row = 0; row < gemm.batch * gemm.k; ++row)
    for (std::int64_t i = 0; i < gemm.m; ++i) gradient[i] += arrays[0].values[row * gemm.m + i];
}

void run(const op::GroupedGemm& gemm, const Arrays& arrays, Multiplier multiplier) {
  for (std::int64_t expert = 0; expert < gemm.experts; ++expert)
    multiply(measure::product(gemm, expert), arrays, arrays[2].values, multiplier);
}

}  // namespace gemmetry::backends::cpu
