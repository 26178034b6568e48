#include "gemmetry/run/planned.h"

#include "gemmetry/measure/subject.h"
#include "gemmetry/run/device_buffer.h"

namespace gemmetry::run {

Planned::Planned(measure::Backend& backend, const measure::Kernel& kernel, const std::string& key)
    : backend_(&backend) {
  measure::Plan* plan = nullptr;
  measure::require(backend.plan_kernel(kernel, key.empty() ? nullptr : key.c_str(), &plan));
  plan_.reset(plan);
}

Planned::Planned(measure::Backend& backend, const op::Operator& op) : backend_(&backend) {
  measure::Plan* plan = nullptr;
  measure::require(backend.plan(op, nullptr, &plan));
  plan_.reset(plan);
}

void Planned::run(std::initializer_list<void*> operands) const {
  const DeviceBuffer workspace(*backend_, workspace_bytes(), "a kernel's workspace");
  const measure::Call call{plan_.get(), operands.begin(), workspace.at()};
  measure::require(backend_->run(&call, 1));
}

}  // namespace gemmetry::run
