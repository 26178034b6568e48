#include "gemmetry/cli/study_device.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "gemmetry/base/text_value.h"
#include "gemmetry/cli/arguments.h"
#include "gemmetry/cli/execution_file.h"
#include "gemmetry/cli/gpu_options.h"
#include "gemmetry/cli/recorded_device.h"
#include "gemmetry/gpu/catalogue.h"
#include "gemmetry/measure/measured_model.h"
#include "gemmetry/predict/predictor.h"

namespace gemmetry::cli {
namespace {

using study::SeriesSetting;

predict::Launch predicted(const SeriesSetting& setting) {
  if (setting.chained) return predict::Launch::chain;
  return setting.launch == measure::Replay::graph ? predict::Launch::graph : predict::Launch::stream;
}

/// One model for each setting, made when it is first asked for.
template <class Model>
class Models {
 public:
  template <class Make>
  const Model* of(const SeriesSetting& setting, Make make) {
    auto found = models_.find(setting);
    if (found == models_.end()) found = models_.emplace(setting, make()).first;
    return found->second.get();
  }

 private:
  std::map<SeriesSetting, std::unique_ptr<Model>> models_;
};

/// Predictions are of the library's first choice.
class Predicted final : public StudyDevice {
 public:
  Predicted(std::string name, const std::string& gpu)
      : StudyDevice(std::move(name)), asked_(gpu), gpu_(gpu::load_gpu(gpu)) {}

  shape::Dtype dtype() const override { return default_dtype(gpu_); }
  std::string source() const override { return fmt::format("predicted for {}", gpu_.title); }
  std::optional<std::int64_t> sms() const override { return gpu_.sms; }
  const op::CostModel* costs(const SeriesSetting& setting) override {
    if (setting.policy != measure::Policy::first) return nullptr;
    return models_.of(setting, [&] {
      return std::make_unique<predict::Predictor>(
          predict::Predictor::for_gpu(asked_, {setting.clocks, predicted(setting)}));
    });
  }

 private:
  std::string asked_;  ///< name or path
  gpu::Gpu gpu_;
  Models<predict::Predictor> models_;
};

class Recorded final : public StudyDevice {
 public:
  Recorded(std::string name, const std::string& gpu)
      : StudyDevice(std::move(name)), gpu_(gpu), recordings_(load_recordings(gpu)) {}

  std::string source() const override {
    return fmt::format("recorded on {}, {} to {}", recordings_.device().name, recordings_.first_time().substr(0, 10),
                       recordings_.last_time().substr(0, 10));
  }
  std::optional<std::int64_t> sms() const override { return recordings_.device().sms; }
  const op::CostModel* costs(const SeriesSetting& setting) override {
    return models_.of(setting,
                      [&] { return std::make_unique<measure::MeasuredModel>(recordings_, study::measured(setting)); });
  }
  const measure::Executions* executions() override {
    if (!executions_) executions_ = recorded_executions(gpu_);
    return &*executions_;
  }

 private:
  std::string gpu_;
  measure::Recordings recordings_;
  std::optional<measure::Executions> executions_;
  Models<measure::MeasuredModel> models_;
};

class Stored final : public StudyDevice {
 public:
  Stored(std::string name, const std::string& path, bool cpu)
      : StudyDevice(std::move(name)), store_(path, measure::Access::read), cpu_(cpu) {}

  shape::Dtype dtype() const override { return cpu_ ? shape::Dtype::fp32 : shape::Dtype::bf16; }
  std::string source() const override { return fmt::format("measured, in {}", store_.path()); }
  const op::CostModel* costs(const SeriesSetting& setting) override {
    return models_.of(setting, [&]() -> std::unique_ptr<measure::MeasuredModel> {
      measure::RecordFilter filter;
      filter.clocks = setting.clocks;
      filter.policy = setting.policy;
      if (store_.count(filter) == 0) return nullptr;
      return std::make_unique<measure::MeasuredModel>(store_,
                                                      measure::RecordChoice{std::nullopt, study::measured(setting)});
    });
  }

 private:
  measure::RecordStore store_;
  bool cpu_;
  Models<measure::MeasuredModel> models_;
};

}  // namespace

std::vector<backends::DeviceName> device_names(const std::string& text) {
  const std::vector<std::string> names = comma_list(text);
  require_different("--device", names);
  std::vector<backends::DeviceName> devices;
  for (const std::string& name : names) devices.push_back(backends::DeviceName::from(name));
  return devices;
}

std::unique_ptr<StudyDevice> open_study_device(const backends::DeviceName& device, const std::string& database) {
  const std::string name = backends::name(device);
  if (device.kind == backends::DeviceKind::predicted) return std::make_unique<Predicted>(name, device.gpu);
  if (device.kind == backends::DeviceKind::recorded) return std::make_unique<Recorded>(name, device.gpu);
  return std::make_unique<Stored>(name, database, device.kind == backends::DeviceKind::cpu);
}

}  // namespace gemmetry::cli
