#include "gemmetry/measure/oracle_families.h"
#include "gemmetry/measure/product.h"

namespace gemmetry::measure {
namespace {

Sum dot(const Product& p, const Arrays& operands, std::int64_t i, std::int64_t j) {
  Sum sum;
  for (std::int64_t l = 0; l < p.k; ++l)
    sum.add(operands[0][static_cast<std::size_t>(p.a_index(i, l))] *
            operands[1][static_cast<std::size_t>(p.b_index(l, j))]);
  return sum;
}

template <class Op, class Finish>
Expected multiply(const Op& op, const Arrays& operands, std::size_t size, Finish finish) {
  Expected c(size);
  for (std::int64_t index = 0; index < products(op); ++index) {
    const Product p = product(op, index);
    for (std::int64_t i = 0; i < p.m; ++i)
      for (std::int64_t j = 0; j < p.n; ++j) {
        const Uncertain result = finish(dot(p, operands, i, j), j);
        c.set(static_cast<std::size_t>(p.c_index(i, j)), result.value, result.error);
      }
  }
  return c;
}

}  // namespace

Uncertain epilogue(const op::Gemm& gemm, Uncertain sum, double bias) {
  const bool gelus = gemm.epilogue == op::Epilogue::gelu || gemm.epilogue == op::Epilogue::bias_gelu;
  const double x = sum.value + bias;
  const double error = sum.error + (bias == 0 ? 0 : 0x1p-23 * (std::fabs(sum.value) + std::fabs(bias)));
  if (!gelus) return {x, error};
  constexpr double steepest = 1.13;
  return {gelu(x), steepest * error + std::fabs(x) * tanh_error / 2};
}

Results expect(const op::Gemm& gemm, const Arrays& operands, std::int64_t split_k) {
  Results results(operands.size());
  const bool biased = gemm.epilogue == op::Epilogue::bias || gemm.epilogue == op::Epilogue::bias_gelu;
  const std::size_t c = biased ? 3 : 2;
  results[c] = multiply(gemm, operands, static_cast<std::size_t>(gemm.batch * gemm.m * gemm.n),
                        [&](const Sum& sum, std::int64_t column) {
                          const double bias = biased ? operands[2][static_cast<std::size_t>(column)] : 0;
                          return epilogue(gemm, {sum.value, product_error(sum, gemm.dtype, split_k)}, bias);
                        });
  if (gemm.epilogue != op::Epilogue::bias_gradient) return results;

  Expected& gradient = results[c + 1] = Expected(static_cast<std::size_t>(gemm.m));
  for (std::int64_t i = 0; i < gemm.m; ++i) {
    Sum sum;
    for (std::int64_t index = 0; index < gemm.batch; ++index) {
      const Product p = product(gemm, index);
      for (std::int64_t l = 0; l < p.k; ++l) sum.add(operands[0][static_cast<std::size_t>(p.a_index(i, l))]);
    }
    gradient.set(static_cast<std::size_t>(i), sum.value, product_error(sum, gemm.dtype, split_k));
  }
  return results;
}

Results expect(const op::GroupedGemm& gemm, const Arrays& operands, std::int64_t split_k) {
  Results results(operands.size());
  const std::int64_t size = gemm.layout == op::Layout::tn ? gemm.experts * gemm.n * gemm.k : gemm.rows * gemm.n;
  results[2] = multiply(gemm, operands, static_cast<std::size_t>(size), [&](const Sum& sum, std::int64_t) {
    return Uncertain{sum.value, product_error(sum, gemm.dtype, split_k)};
  });
  return results;
}

}  // namespace gemmetry::measure
