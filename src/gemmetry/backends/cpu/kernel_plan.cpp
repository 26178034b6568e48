#include "gemmetry/backends/cpu/kernel_plan.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>

#include "gemmetry/backends/cpu/kernel_loops.h"
#include "gemmetry/backends/cpu/status.h"
#include "gemmetry/measure/kernel_check.h"
#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::backends::cpu {
namespace {

using measure::Status;
using measure::StatusCode;

class KernelPlan final : public CpuPlan {
 public:
  KernelPlan(const measure::Kernel& kernel, const char* library, const char* key) : kernel_(kernel) {
    put(algorithm_.library, library);
    put(algorithm_.kernel, measure::name(kernel));
    put(algorithm_.key, key);
    if (std::holds_alternative<measure::ProductKernel>(kernel)) algorithm_.split_k = -1;  // OpenBLAS's own
  }

  std::size_t operand_count() const override { return static_cast<std::size_t>(measure::operand_count(kernel_)); }

  void run(void* const* operands, void*) const override {
    std::visit([&](const auto& one) { cpu::run(one, operands); }, kernel_);
  }

 private:
  measure::Kernel kernel_;
};

/// A product whose k is summed in parts.
class PartsPlan final : public CpuPlan {
 public:
  PartsPlan(const measure::ProductKernel& kernel, const Summing& summing, std::string_view key)
      : kernel_(kernel), summing_(summing) {
    put(algorithm_.library, "own");
    put(algorithm_.kernel, "product");
    put(algorithm_.key, key);
    algorithm_.split_k = summing.parts;
  }

  std::size_t operand_count() const override { return static_cast<std::size_t>(measure::operand_count(kernel_)); }

  void run(void* const* operands, void*) const override { cpu::run(kernel_, operands, summing_); }

 private:
  measure::ProductKernel kernel_;
  Summing summing_;
};

/// What "loops", "split:4" and "rounded:4" say; no parts: no such key.
Summing summing_of(std::string_view key) {
  Summing summing;
  if (key == "loops") return {1};
  summing.rounded = key.starts_with("rounded:");
  if (!summing.rounded && !key.starts_with("split:")) return {};
  key.remove_prefix(key.find(':') + 1);
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), summing.parts);
  return error == std::errc{} && end == key.data() + key.size() && summing.parts > 0 ? summing : Summing{};
}

/// OpenBLAS counts in 32 bits.
bool fits_openblas(const measure::ProductKernel& p) {
  return std::max({p.gemm.m, p.gemm.n, p.gemm.k, p.a_stride, p.b_stride}) <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

Status make_kernel_plan(const measure::Kernel& kernel, const char* key, measure::Plan** plan) {
  const measure::Kernel settled = measure::with_strides(kernel);
  if (const std::string problem = measure::problem(settled); !problem.empty())
    return status(StatusCode::unsupported, problem);
  const auto* product = std::get_if<measure::ProductKernel>(&settled);
  if (const Summing summing = product && key ? summing_of(key) : Summing{}; summing.parts > 0) {
    *plan = new PartsPlan(*product, summing, key);
    return {};
  }
  const char* only = product ? "openblas" : "loops";
  if (key && std::string_view(key) != only)
    return status(StatusCode::unsupported,
                  fmt::format("kernel {}: algorithm '{}' is none of the CPU's: use '{}'{}", measure::name(kernel), key,
                              only, product ? ", 'loops', 'split:N' or 'rounded:N'" : ""));
  if (product && !fits_openblas(*product))
    return status(StatusCode::unsupported, "kernel product: OpenBLAS takes sizes up to 2147483647");
  *plan = new KernelPlan(settled, product ? "openblas" : "own", only);
  return {};
}

}  // namespace gemmetry::backends::cpu
