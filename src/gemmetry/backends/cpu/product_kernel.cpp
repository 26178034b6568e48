#include <cblas.h>

#include <algorithm>
#include <vector>

#include "gemmetry/backends/cpu/kernel_loops.h"
#include "gemmetry/backends/cpu/kernels.h"
#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Element;

/// A matrix of the library: fp32 where it lies, others widened into dense rows.
struct Matrix {
  const float* values = nullptr;
  blasint stride = 1;
  std::vector<float> widened;

  Matrix(Element element, void* buffer, std::int64_t at, std::int64_t rows, std::int64_t columns, std::int64_t step) {
    if (element == Element::fp32) {
      values = static_cast<const float*>(buffer) + at;
      stride = static_cast<blasint>(std::max<std::int64_t>(step, 1));
      return;
    }
    widened.reserve(static_cast<std::size_t>(rows * columns));
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t column = 0; column < columns; ++column)
        widened.push_back(measure::load(element, buffer, at + row * step + column));
    values = widened.data();
    stride = static_cast<blasint>(std::max<std::int64_t>(columns, 1));
  }
};

}  // namespace

void run(const measure::ProductKernel& p, void* const* operands) {
  const op::Gemm& g = p.gemm;
  const Element element = measure::element_of(g.dtype);
  const Element result = element == Element::fp8 ? Element::bf16 : element;
  const bool biased = measure::reads_bias(p);
  const Elements bias(result, operands[2]);
  const Elements c(result, operands[biased ? 3 : 2]);
  const bool a_turned = g.layout == op::Layout::tn;
  const bool b_turned = g.layout == op::Layout::nt;
  std::vector<float> sums(static_cast<std::size_t>(g.m * g.n));
  for (std::int64_t index = 0; index < g.batch; ++index) {
    const Matrix a(element, operands[0], index * p.a_batch, a_turned ? g.k : g.m, a_turned ? g.m : g.k, p.a_stride);
    const Matrix b(element, operands[1], index * p.b_batch, b_turned ? g.n : g.k, b_turned ? g.k : g.n, p.b_stride);
    std::fill(sums.begin(), sums.end(), 0.0f);
    if (g.k > 0 && !sums.empty())
      cblas_sgemm(CblasRowMajor, a_turned ? CblasTrans : CblasNoTrans, b_turned ? CblasTrans : CblasNoTrans,
                  static_cast<blasint>(g.m), static_cast<blasint>(g.n), static_cast<blasint>(g.k), 1, a.values,
                  a.stride, b.values, b.stride, 0, sums.data(), static_cast<blasint>(g.n));
    for (std::int64_t i = 0; i < g.m; ++i)
      for (std::int64_t j = 0; j < g.n; ++j) {
        const std::int64_t at = index * p.c_batch + i * p.c_stride + j;
        float value = sums[static_cast<std::size_t>(i * g.n + j)];
        if (biased) value += bias[j];
        if (measure::is_gelu(p)) value = gelu(value);
        c.set(at, p.accumulate ? c[at] + value : value);
      }
  }
}

}  // namespace gemmetry::backends::cpu
