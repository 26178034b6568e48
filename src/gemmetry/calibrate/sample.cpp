#include "gemmetry/calibrate/sample.h"

#include <string>
#include <string_view>
#include <unordered_set>

#include "gemmetry/measure/site.h"

namespace gemmetry::calibrate {
namespace {

bool is_predicted(const measure::Setting& setting) { return setting.policy == measure::Policy::first && !setting.warm; }

/// A device that is in no catalogue has no name there, and neither have records made from other tables; no CPU is a
/// GPU.
bool may_be_of(const measure::DeviceInfo& device, const std::string& gpu) {
  const std::string_view recorded = device.gpu;
  return recorded.empty() ? std::string_view(device.backend) != "cpu" : recorded == gpu;
}

predict::Predictor::Options how(const measure::Setting& setting) {
  const bool graph = setting.replay == measure::Replay::graph;
  return {setting.clocks, graph ? predict::Launch::graph : predict::Launch::stream};
}

}  // namespace

Samples samples_of(std::span<const measure::Record> records, const std::string& gpu) {
  Samples samples;
  SampleCount& count = samples.count;
  std::unordered_set<std::string> seen;
  for (const measure::Record& record : records) {
    if (!may_be_of(record.device, gpu)) {
      ++count.other_gpu;
    } else if (record.status != measure::RecordStatus::ok || !(record.measurement.median_s > 0)) {
      ++count.not_ok;
    } else if (!is_predicted(record.setting)) {
      ++count.other_way;
    } else if (!seen.insert(measure::text_of(record.op) + std::string(gpu::name(record.setting.clocks)) +
                            std::string(name(record.setting.replay)))
                    .second) {
      ++count.again;
    } else {
      const bool held_out = measure::is_held_out(record.op);
      samples.all.push_back({record.op, how(record.setting), record.measurement.median_s, held_out,
                             class_of(record.op, record.setting.clocks), record.algorithm, record.measurement.clocks});
      ++count.used;
      count.held_out += held_out ? 1 : 0;
    }
  }
  return samples;
}

}  // namespace gemmetry::calibrate
