#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>

#include "gemmetry/op/field.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::op {

using shape::Dtype;

/// Storage of the operands of c[m,n] = op(a) op(b), all row-major.
enum class Layout {
  nt,  ///< a[m,k] b[n,k]^T: a linear layer, attention scores
  nn,  ///< a[m,k] b[k,n]: gradient by the input, attention over values
  tn,  ///< a[k,m]^T b[k,n]: gradient by the weights
};

/// What the product's kernel does to its result before it is written.
enum class Epilogue { none, bias, gelu, bias_gelu, bias_gradient };

/// `batch` independent products c[m,n] = op(a) op(b) with inner dimension k. Results have the operands' dtype (bf16 for
/// fp8), sums are fp32.
struct Gemm {
  std::int64_t batch = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Dtype dtype = Dtype::bf16;
  Layout layout = Layout::nt;
  Epilogue epilogue = Epilogue::none;

  static constexpr std::string_view kind = "gemm";
  static constexpr auto fields() {
    return std::make_tuple(Field{"batch", &Gemm::batch, false}, Field{"m", &Gemm::m, true}, Field{"n", &Gemm::n, true},
                           Field{"k", &Gemm::k, true}, Field{"dtype", &Gemm::dtype, false},
                           Field{"layout", &Gemm::layout, false}, Field{"epilogue", &Gemm::epilogue, false});
  }
  bool operator==(const Gemm&) const = default;
};

/// One product per expert with its own weights, their rows adding up to `rows` (taken as evenly spread):
/// nt: y[rows,n] = x[rows,k] w[e][n,k]^T; nn: the input's gradient, y[rows,n] = x[rows,k] w[e][k,n];
/// tn: the weights' gradient, c[e][n,k] = y_e^T x_e, with `rows` the inner dimension.
struct GroupedGemm {
  std::int64_t experts = 1;
  std::int64_t rows = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  Dtype dtype = Dtype::bf16;
  Layout layout = Layout::nt;

  static constexpr std::string_view kind = "grouped_gemm";
  static constexpr auto fields() {
    return std::make_tuple(Field{"experts", &GroupedGemm::experts, true}, Field{"m", &GroupedGemm::rows, true},
                           Field{"n", &GroupedGemm::n, true}, Field{"k", &GroupedGemm::k, true},
                           Field{"dtype", &GroupedGemm::dtype, false}, Field{"layout", &GroupedGemm::layout, false});
  }
  bool operator==(const GroupedGemm&) const = default;
};

/// 2 b m n k.
double flop(const Gemm& gemm);
double flop(const GroupedGemm& gemm);
/// Compulsory traffic: each operand read once, the result written once.
double bytes(const Gemm& gemm);
double bytes(const GroupedGemm& gemm);

/// Bytes of an element of a product's result: the operands' own, two for fp8.
double result_bytes_per_element(Dtype dtype);

std::string_view name(Layout layout);
Layout layout_from_name(std::string_view name);  ///< Error naming the choices
std::string_view name(Epilogue epilogue);
Epilogue epilogue_from_name(std::string_view name);  ///< Error naming the choices

}  // namespace gemmetry::op
