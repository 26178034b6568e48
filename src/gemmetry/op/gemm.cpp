#include "gemmetry/op/gemm.h"

#include <algorithm>
#include <array>

#include "gemmetry/op/names.h"

namespace gemmetry::op {
namespace {

using shape::bytes_per_element;

constexpr std::array<std::pair<Layout, std::string_view>, 3> layouts{
    {{Layout::nt, "nt"}, {Layout::nn, "nn"}, {Layout::tn, "tn"}}};
constexpr std::array<std::pair<Epilogue, std::string_view>, 5> epilogues{{{Epilogue::none, "none"},
                                                                          {Epilogue::bias, "bias"},
                                                                          {Epilogue::gelu, "gelu"},
                                                                          {Epilogue::bias_gelu, "bias_gelu"},
                                                                          {Epilogue::bias_gradient, "bias_gradient"}}};

double product(std::int64_t a, std::int64_t b) { return static_cast<double>(a) * static_cast<double>(b); }

}  // namespace

double result_bytes_per_element(Dtype dtype) { return dtype == Dtype::fp8 ? 2 : bytes_per_element(dtype); }

double flop(const Gemm& g) { return 2 * static_cast<double>(g.batch) * product(g.m, g.n) * static_cast<double>(g.k); }

double flop(const GroupedGemm& g) { return 2 * product(g.rows, g.n) * static_cast<double>(g.k); }

double bytes(const Gemm& g) {
  const double operands = (product(g.m, g.k) + product(g.n, g.k)) * bytes_per_element(g.dtype);
  return static_cast<double>(g.batch) * (operands + product(g.m, g.n) * result_bytes_per_element(g.dtype));
}

double bytes(const GroupedGemm& g) {
  const double in = bytes_per_element(g.dtype);
  const double out = result_bytes_per_element(g.dtype);
  const double expert = product(g.n, g.k);
  if (g.layout == Layout::tn)
    return (product(g.rows, g.n) + product(g.rows, g.k)) * in + static_cast<double>(g.experts) * expert * out;
  // With fewer rows than experts, only the weights of those that get a row are read.
  const double weights = static_cast<double>(std::min(g.experts, g.rows)) * expert;
  return (product(g.rows, g.k) + weights) * in + product(g.rows, g.n) * out;
}

std::string_view name(Layout layout) { return name_in<Layout>(layouts, layout); }
Layout layout_from_name(std::string_view word) { return value_in<Layout>(layouts, "layout", word); }
std::string_view name(Epilogue epilogue) { return name_in<Epilogue>(epilogues, epilogue); }
Epilogue epilogue_from_name(std::string_view word) { return value_in<Epilogue>(epilogues, "epilogue", word); }

}  // namespace gemmetry::op
