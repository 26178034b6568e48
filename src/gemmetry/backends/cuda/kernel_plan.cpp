#include "gemmetry/backends/cuda/kernel_plan.h"

#include <cstdio>
#include <string>
#include <string_view>

#include "gemmetry/backends/cuda/gemm_plan.h"
#include "gemmetry/backends/cuda/gemv.h"
#include "gemmetry/backends/cuda/kernel_launches.h"
#include "gemmetry/measure/kernel_check.h"
#include "gemmetry/measure/kernel_layout.h"

namespace gemmetry::backends::cuda {
namespace {

template <typename OwnKernel>
class OwnKernelPlan final : public CudaPlan {
 public:
  OwnKernelPlan(const OwnKernel& kernel, int sms) : kernel_(kernel), sms_(sms) {
    const std::string name(measure::name(kernel));
    std::snprintf(algorithm_.library, sizeof algorithm_.library, "own");
    std::snprintf(algorithm_.kernel, sizeof algorithm_.kernel, "%s", name.c_str());
    std::snprintf(algorithm_.key, sizeof algorithm_.key, "own:%s", name.c_str());
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    return launch(kernel_, {operands, workspace, sms_, stream});
  }

 private:
  OwnKernel kernel_;
  int sms_;
};

/// Which kernel a kind takes.
struct Planner {
  Libraries& libraries;
  AttentionPlanner& attention;
  const char* key;
  std::unique_ptr<CudaPlan>* plan;

  Status operator()(const measure::ProductKernel& product) const {
    const bool few = key == nullptr && product.gemm.m <= gemv_usual_rows && gemv_takes(product);
    return plan_product(libraries, product, few ? gemv_key : key, plan);
  }

  Status operator()(const measure::AttentionKernel& kernel) const { return attention.plan_kernel(kernel, key, plan); }

  template <typename OwnKernel>
  Status operator()(const OwnKernel& kernel) const {
    auto made = std::make_unique<OwnKernelPlan<OwnKernel>>(kernel, libraries.sms());
    if (key != nullptr && std::string_view(key) != made->algorithm().key)
      return failure(StatusCode::unsupported, "kernel %s: there is no algorithm %.60s but %s", made->algorithm().kernel,
                     key, made->algorithm().key);
    *plan = std::move(made);
    return {};
  }
};

}  // namespace

Status make_kernel_plan(Libraries& libraries, AttentionPlanner& attention, const measure::Kernel& kernel,
                        const char* key, std::unique_ptr<CudaPlan>* plan) {
  const measure::Kernel settled = measure::with_strides(kernel);
  if (const std::string problem = measure::problem(settled); !problem.empty())
    return failure(StatusCode::unsupported, "%s", problem.c_str());
  return std::visit(Planner{libraries, attention, key, plan}, settled);
}

}  // namespace gemmetry::backends::cuda
