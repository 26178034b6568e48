#include "gemmetry/cli/quick_records.h"

#include <fmt/format.h>

#include <cstdio>

#include "gemmetry/base/error.h"
#include "gemmetry/base/version.h"
#include "gemmetry/calibrate/quick_plan.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/clock_monitor.h"
#include "gemmetry/measure/measurer.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::cli {
namespace {

/// Longer products would take most of the time, and throttle.
constexpr double longest_s = 2e-3;
/// A CPU's, about.
constexpr double other_flops = 5e10;
constexpr double other_bandwidth = 1e10;
/// A measurement takes a quarter of a second at most: 200 leave time for the fit.
constexpr measure::Sampling sampling{.precision = 0.01, .time_cap_s = 0.2, .max_samples = 30};

/// The catalogue's GPU that the device is taken for.
std::string gpu_of(const measure::DeviceInfo& device, const std::string& asked) {
  const std::string found = device.gpu;
  if (asked.empty() && found.empty())
    throw Error(
        fmt::format("the device '{}' is not in the catalogue (gemmetry gpus): add --gpu with a name or the path "
                    "of a JSON file that describes it",
                    device.name));
  if (asked.empty()) return found;
  const std::string name = gpu::load_gpu(asked).name;
  if (!found.empty() && found != name)
    throw Error(fmt::format("--gpu {}: the device is {} ({})", asked, found, device.name));
  return asked;
}

/// What is worth measuring on it.
calibrate::QuickPlan plan_for(const gpu::Gpu& gpu, const measure::DeviceInfo& device, std::int64_t products) {
  const bool known = *device.gpu != '\0';
  calibrate::QuickPlan plan;
  plan.products = static_cast<std::size_t>(products);
  plan.dtype = known ? default_dtype(gpu) : op::Dtype::fp32;
  plan.most_flop = longest_s * (known ? gpu::peak_flops(gpu, plan.dtype) : other_flops);
  plan.most_bytes = longest_s * (known ? gpu.bandwidth : other_bandwidth);
  return plan;
}

}  // namespace

QuickRecords measure_quickly(const DeviceOptions& options, const std::string& gpu, std::int64_t products,
                             const Console& console) {
  const std::unique_ptr<measure::Backend> backend = options.open();
  measure::DeviceInfo device;
  measure::require(backend->describe(device));
  QuickRecords result{gpu_of(device, gpu), {}};
  measure::ClockMonitor monitor(device.uuid);
  measure::Measuring measuring{.sampling = sampling, .tool = std::string(version)};
  measure::Measurer measurer(*backend, monitor, std::move(measuring));
  const gpu::Gpu taken_for = gpu::load_gpu(result.gpu);
  const std::vector<op::Gemm> chosen = calibrate::quick_products(plan_for(taken_for, device, products));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    console.progress(fmt::format("measuring product {} of {}", i + 1, chosen.size()));
    result.records.push_back(measurer.measure(chosen[i]));
    measure::DeviceInfo& recorded = result.records.back().device;
    if (taken_for.name.size() < sizeof recorded.gpu)
      std::snprintf(recorded.gpu, sizeof recorded.gpu, "%s", taken_for.name.c_str());
    if (measurer.lost()) throw Error("the device was lost while measuring: " + result.records.back().reason);
  }
  console.progress("");
  return result;
}

}  // namespace gemmetry::cli
