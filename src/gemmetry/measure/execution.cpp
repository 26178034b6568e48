#include "gemmetry/measure/execution.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "gemmetry/measure/statistics.h"

namespace gemmetry::measure {

Execution blank_execution(const Whole& whole, const Setting& setting) {
  Execution execution;
  execution.kind = whole.kind;
  execution.name = whole.model.name;
  execution.model = model_text(whole.kind, whole.model);
  execution.workload = workload_text(whole);
  if (whole.baseline) execution.baseline = model_text(whole.kind, *whole.baseline);
  execution.setting = setting;
  execution.fused_steps = whole.kind == WholeKind::answer || whole.workload.phase == shape::Phase::decode;
  return execution;
}

void set_measured(Execution& execution, Measurement measured, double parts) {
  for (double& sample : measured.samples_s) sample /= parts;
  measured.median_s /= parts;
  measured.p10_s /= parts;
  measured.p90_s /= parts;
  const Interval interval = median_interval(measured.samples_s);
  execution.low_s = interval.low;
  execution.high_s = interval.high;
  execution.samples = std::ssize(measured.samples_s);
  execution.measurement = std::move(measured);
}

std::string question(const Execution& e) {
  return fmt::format("{} {}; {}{}; {} {} {}{}", name(e.kind), e.model, e.workload,
                     e.baseline.empty() ? "" : "; in turns with " + e.baseline, name(e.setting.clocks),
                     name(e.setting.policy), name(e.setting.replay), e.fused_steps ? " fused steps" : "");
}

std::string identity(const Execution& e) {
  const std::string_view gpu = e.device.gpu[0] ? e.device.gpu : e.device.name;
  return fmt::format("{}; {}; {}; {}; gemmetry {}; method {}", question(e), gpu, std::string_view(e.device.products),
                     std::string_view(e.device.attention), e.tool, e.method);
}

double modules_s(const Execution& execution) {
  double sum = 0;
  for (const auto& [module, time_s] : execution.module_s) sum += time_s;
  return sum;
}

}  // namespace gemmetry::measure
