#include "gemmetry/calibrate/shape_class.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "gemmetry/op/field_text.h"
#include "gemmetry/op/kinds.h"
#include "gemmetry/predict/attention_model.h"
#include "gemmetry/predict/gemm_model.h"

namespace gemmetry::calibrate {
namespace {

constexpr std::int64_t thin_rows = 64;      // decode and small batches
constexpr std::int64_t many_rows = 1024;    // training and prompts
constexpr std::int64_t narrow_width = 512;  // no layer of a large model is narrower
constexpr std::int64_t short_sequence = 1024;
constexpr double small_bytes = 1 << 20;
constexpr double aligned_bytes = 16;

std::string sequence_size(std::int64_t tokens) { return tokens < short_sequence ? "s < 1024" : "s >= 1024"; }

std::string product_size(std::int64_t m, std::int64_t n, std::int64_t k) {
  if (std::min(n, k) < narrow_width) return "n or k < 512";
  if (m <= thin_rows) return "m <= 64";
  return m < many_rows ? "64 < m < 1024" : "m >= 1024";
}

std::string alignment(std::int64_t power_of_two, op::Dtype dtype) {
  const double bytes = static_cast<double>(power_of_two) * shape::bytes_per_element(dtype);
  return bytes >= aligned_bytes ? "aligned" : fmt::format("by {}", power_of_two);
}

struct Describe {
  ShapeClass operator()(const op::Gemm& g) const {
    const bool batched = g.batch > 1;
    return {batched ? "bmm" : "gemm", "", "", alignment(predict::power_of_two(g), g.dtype),
            batched ? sequence_size(g.m) : product_size(g.m, g.n, g.k)};
  }
  ShapeClass operator()(const op::GroupedGemm& g) const {
    return {"grouped_gemm", "", "", alignment(predict::power_of_two(g), g.dtype), ""};
  }
  ShapeClass operator()(const op::Attention& a) const {
    if (predict::is_decode(a)) return {"decode", "", "", "", ""};
    return {a.backward ? "attention_backward" : "attention", "", "", "", sequence_size(a.queries)};
  }
  template <class Op>
  ShapeClass operator()(const Op& one) const {
    return {std::string(Op::kind), "", "", "", op::bytes(one) > small_bytes ? "above 1 MiB" : "up to 1 MiB"};
  }
};

}  // namespace

ShapeClass class_of(const op::Operator& op, gpu::Clocks clocks) {
  ShapeClass result = std::visit(Describe{}, op);
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { one.dtype; }) result.dtype = op::word(one.dtype);
      },
      op);
  result.clocks = gpu::name(clocks);
  return result;
}

std::string text_of(const ShapeClass& one) {
  std::string text;
  for (const std::string* part : {&one.kind, &one.dtype, &one.clocks, &one.alignment, &one.size})
    if (!part->empty()) text += (text.empty() ? "" : " ") + *part;
  return text;
}

double octaves_between(const op::Operator& a, const op::Operator& b) {
  constexpr double apart = std::numeric_limits<double>::infinity();
  if (a.index() != b.index()) return apart;
  return std::visit(
      [&]<class Op>(const Op& one) {
        const Op& other = std::get<Op>(b);
        double octaves = 0;
        op::for_each_field<Op>([&](const auto& field) {
          const auto x = one.*field.member;
          const auto y = other.*field.member;
          if (x == y) return;
          if constexpr (std::is_same_v<decltype(x), const std::int64_t>)
            octaves += x > 0 && y > 0 ? std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y))) : apart;
          else
            octaves = apart;
        });
        return octaves;
      },
      a);
}

}  // namespace gemmetry::calibrate
