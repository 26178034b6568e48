#include "gemmetry/backends/cpu/kernel_plan.h"

#include <algorithm>
#include <limits>
#include <string>

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
  }

  std::size_t operand_count() const override { return static_cast<std::size_t>(measure::operand_count(kernel_)); }

  void run(void* const* operands, void*) const override {
    std::visit([&](const auto& one) { cpu::run(one, operands); }, kernel_);
  }

 private:
  measure::Kernel kernel_;
};

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
  const char* only = product ? "openblas" : "loops";
  if (key && std::string_view(key) != only)
    return status(StatusCode::unsupported, fmt::format("kernel {}: algorithm '{}' is none of the CPU's: use '{}'",
                                                       measure::name(kernel), key, only));
  if (product && !fits_openblas(*product))
    return status(StatusCode::unsupported, "kernel product: OpenBLAS takes sizes up to 2147483647");
  *plan = new KernelPlan(settled, product ? "openblas" : "own", only);
  return {};
}

}  // namespace gemmetry::backends::cpu
