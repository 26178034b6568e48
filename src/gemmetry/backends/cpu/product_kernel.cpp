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

/// Row by row.
void multiply_in_parts(const op::Gemm& g, const Matrix& a, const Matrix& b, const Summing& summing,
                       std::vector<float>& sums) {
  const bool a_turned = g.layout == op::Layout::tn;
  const bool b_turned = g.layout == op::Layout::nt;
  const std::int64_t a_row = a_turned ? 1 : a.stride, a_step = a_turned ? a.stride : 1;
  const std::int64_t b_row = b_turned ? b.stride : 1, b_step = b_turned ? 1 : b.stride;
  const Element element = measure::element_of(g.dtype);
  for (std::int64_t i = 0; i < g.m; ++i)
    for (std::int64_t j = 0; j < g.n; ++j) {
      float& sum = sums[static_cast<std::size_t>(i * g.n + j)];
      for (std::int64_t part = 0; part < summing.parts; ++part) {
        float of_part = 0;
        for (std::int64_t l = g.k * part / summing.parts; l < g.k * (part + 1) / summing.parts; ++l)
          of_part += a.values[i * a_row + l * a_step] * b.values[j * b_row + l * b_step];
        sum += summing.rounded ? measure::rounded(element, of_part) : of_part;
      }
    }
}

/// One product of the batch.
void multiply(const op::Gemm& g, const Matrix& a, const Matrix& b, const Summing& summing, std::vector<float>& sums) {
  std::fill(sums.begin(), sums.end(), 0.0f);
  if (g.k <= 0 || sums.empty()) return;
  if (summing.parts > 0) return multiply_in_parts(g, a, b, summing, sums);
  cblas_sgemm(CblasRowMajor, g.layout == op::Layout::tn ? CblasTrans : CblasNoTrans,
              g.layout == op::Layout::nt ? CblasTrans : CblasNoTrans, static_cast<blasint>(g.m),
              static_cast<blasint>(g.n), static_cast<blasint>(g.k), 1, a.values, a.stride, b.values, b.stride, 0,
              sums.data(), static_cast<blasint>(g.n));
}

}  // namespace

void run(const measure::ProductKernel& p, void* const* operands, const Summing& summing) {
  const op::Gemm& g = p.gemm;
  const Element element = measure::element_of(g.dtype);
  const Element result = element == Element::fp8 ? Element::bf16 : element;
  const bool biased = measure::reads_bias(p);
  const Elements bias(result, operands[2]);
  const int next = biased ? 3 : 2;
  const Elements x(result, operands[next]);
  const Elements c(result, operands[p.residual ? next + 1 : next]);
  const bool a_turned = g.layout == op::Layout::tn;
  const bool b_turned = g.layout == op::Layout::nt;
  std::vector<float> sums(static_cast<std::size_t>(g.m * g.n));
  for (std::int64_t index = 0; index < g.batch; ++index) {
    const Matrix a(element, operands[0], index * p.a_batch, a_turned ? g.k : g.m, a_turned ? g.m : g.k, p.a_stride);
    const Matrix b(element, operands[1], index * p.b_batch, b_turned ? g.n : g.k, b_turned ? g.k : g.n, p.b_stride);
    multiply(g, a, b, summing, sums);
    for (std::int64_t i = 0; i < g.m; ++i)
      for (std::int64_t j = 0; j < g.n; ++j) {
        const std::int64_t at = index * p.c_batch + i * p.c_stride + j;
        float value = sums[static_cast<std::size_t>(i * g.n + j)];
        if (biased) value += bias[j];
        if (measure::is_gelu(p)) value = gelu(value);
        if (p.accumulate || p.residual) value += x[at];  // what is added to itself is c
        c.set(at, value);
      }
  }
}

void run(const measure::ActivatedProductKernel& kernel, void* const* operands) {
  const op::Gemm& g = kernel.product.gemm;
  const Element element = measure::element_of(g.dtype);
  const bool biased = measure::reads_bias(kernel.product);
  const int each = biased ? 2 : 1;
  const std::int64_t products = kernel.gated ? 2 : 1;
  std::vector<float> sums[2];
  const Matrix a(element, operands[0], 0, g.m, g.k, kernel.product.a_stride);
  for (int i = 0; i < products; ++i) {
    const Matrix b(element, operands[1 + i * each], 0, g.n, g.k, kernel.product.b_stride);
    sums[i].resize(static_cast<std::size_t>(g.m * g.n));
    multiply(g, a, b, {}, sums[i]);
    if (!biased) continue;
    const Elements bias(element, operands[2 + i * each]);
    for (std::int64_t at = 0; at < g.m * g.n; ++at) sums[i][static_cast<std::size_t>(at)] += bias[at % g.n];
  }
  const Elements c(element, operands[1 + products * each]);
  for (std::int64_t row = 0; row < g.m; ++row)
    for (std::int64_t j = 0; j < g.n; ++j) {
      const auto at = static_cast<std::size_t>(row * g.n + j);
      const float value = activated(kernel.function, kernel.gelu, sums[0][at]);
      c.set(row * kernel.product.c_stride + j, kernel.gated ? value * sums[1][at] : value);
    }
}

}  // namespace gemmetry::backends::cpu
