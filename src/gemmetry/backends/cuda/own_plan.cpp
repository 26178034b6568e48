#include "gemmetry/backends/cuda/own_plan.h"

#include <concepts>
#include <cstdio>
#include <new>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "gemmetry/backends/cuda/kernels.h"
#include "gemmetry/measure/operands.h"

namespace gemmetry::backends::cuda {
namespace {

template <typename Op>
concept HasDtype = requires(const Op& op) {
  op.dtype;
};
template <typename Op>
concept HasWorkspace = requires(const Op& op) {
  workspace_bytes(op, 1);
};
template <typename Op>
concept HasForwardOperands = requires(const Op& op, const Launch& on) {
  launch_forward_operands(op, on);
};
template <typename Op>
concept HasKernel = requires(const Op& op, const Launch& on) {
  launch(op, on);
}
|| std::same_as<Op, op::Pointwise>;

/// "norm_forward"; operators without a backward pass by their name alone.
template <typename Op>
void name_kernel(const Op& op, measure::AlgorithmInfo& info) {
  const std::string_view kind = Op::kind;
  const char* pass = "";
  if constexpr (requires { op.backward; }) pass = op.backward ? "_backward" : "_forward";
  std::snprintf(info.library, sizeof info.library, "own");
  std::snprintf(info.kernel, sizeof info.kernel, "%.*s%s", static_cast<int>(kind.size()), kind.data(), pass);
}

/// What the kernels need to know beside the operator.
struct NoMore {};
template <typename Op>
using More = std::conditional_t<std::same_as<Op, op::Pointwise>, StreamCounts, NoMore>;

template <typename Op>
class OwnPlan final : public CudaPlan {
 public:
  OwnPlan(const Op& op, const More<Op>& more, int sms) : op_(op), more_(more), sms_(sms) {
    name_kernel(op_, algorithm_);
    if constexpr (HasWorkspace<Op>) algorithm_.workspace_bytes = workspace_bytes(op_, sms_);
  }

  Status enqueue(void* const* operands, void* workspace, cudaStream_t stream) noexcept override {
    const Launch on{operands, workspace, sms_, stream};
    if constexpr (std::same_as<Op, op::Pointwise>) {
      return launch(op_, more_, on);
    } else {
      return launch(op_, on);
    }
  }

  Status prepare([[maybe_unused]] void* const* operands, [[maybe_unused]] void* workspace,
                 [[maybe_unused]] cudaStream_t stream) noexcept override {
    if constexpr (HasForwardOperands<Op>) {
      return launch_forward_operands(op_, {operands, workspace, sms_, stream});
    } else {
      return {};
    }
  }

 private:
  Op op_;
  [[no_unique_address]] More<Op> more_;
  int sms_;
};

StreamCounts counts_of(const op::Pointwise& pointwise) {
  StreamCounts counts;
  const std::vector<measure::Operand> all = measure::operands(pointwise);
  for (const measure::Operand& operand : all) {
    const bool in = operand.use == measure::Use::in;
    (in ? counts.reads : counts.writes) = operand.elements();
    (in ? counts.read : counts.written) = operand.element;
  }
  return counts;
}

template <typename Op>
Status make(const Op& op, int sms, CudaPlan** plan) {
  if constexpr (!HasKernel<Op>) {
    return failure(StatusCode::unsupported, "%.*s: there is no own kernel", static_cast<int>(Op::kind.size()),
                   Op::kind.data());
  } else {
    if constexpr (HasDtype<Op>) {
      if (op.dtype == shape::Dtype::fp8)
        return failure(StatusCode::unsupported, "%.*s: the own kernels compute in bf16, fp16 and fp32, not in fp8",
                       static_cast<int>(Op::kind.size()), Op::kind.data());
    }
    More<Op> more;
    if constexpr (std::same_as<Op, op::Pointwise>) {
      more = counts_of(op);
      if (more.reads > 0 && more.writes == 0)
        return failure(StatusCode::unsupported, "pointwise: reads %lld elements and writes none",
                       static_cast<long long>(more.reads));
    }
    *plan = new (std::nothrow) OwnPlan<Op>(op, more, sms);
    if (*plan == nullptr) return failure(StatusCode::out_of_memory, "no memory on the host for a plan");
    return {};
  }
}

}  // namespace

Status plan_own(const op::Operator& op, int sms, CudaPlan** plan) noexcept {
  *plan = nullptr;
  try {
    return std::visit([&](const auto& one) { return make(one, sms, plan); }, op);
  } catch (const std::exception& error) {
    return failure(StatusCode::failed, "%s", error.what());
  }
}

}  // namespace gemmetry::backends::cuda
