#include "gemmetry/run/copy_bandwidth.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "gemmetry/measure/statistics.h"
#include "gemmetry/measure/subject.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/run/planned.h"

namespace gemmetry::run {

double copy_bandwidth(measure::Backend& backend, std::int64_t bytes) {
  constexpr std::int32_t repeats = 20;
  measure::DeviceInfo device;
  measure::require(backend.describe(device));
  const std::int64_t half = std::min(bytes, device.free_bytes / 2) / 2;
  const op::Pointwise copy{op::Function::copy, half / 4, 4, 4};
  const DeviceBuffer from(backend, half, "what is copied");
  const DeviceBuffer to(backend, half, "the copy");
  Planned(backend, measure::FillKernel{copy.elements, measure::Element::fp32}).run({from.at()});
  const Planned plan(backend, op::Operator(copy));
  void* operands[] = {from.at(), to.at()};
  const measure::Call call{plan.plan(), operands, nullptr};
  measure::Recording* recorded = nullptr;
  measure::require(backend.record(&call, 1, measure::Replay::graph, &recorded));
  const std::unique_ptr<measure::Recording> recording(recorded);
  std::vector<double> times(repeats);
  measure::require(backend.time(recorded, repeats, times.data()));
  return op::bytes(copy) / measure::median(times);
}

}  // namespace gemmetry::run
