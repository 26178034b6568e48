#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gemmetry/cli/measuring_options.h"
#include "gemmetry/measure/executions.h"
#include "gemmetry/study/outcome.h"

namespace gemmetry::cli {

/// Where the costs of a study come from: predictions for a GPU, what was recorded of one, or what a database holds of
/// this machine's.
class StudyDevice {
 public:
  virtual ~StudyDevice() = default;

  /// As --device takes it.
  const std::string& name() const { return name_; }
  /// The type of operators that state none.
  virtual shape::Dtype dtype() const { return shape::Dtype::bf16; }
  /// What the numbers are: in words, for the reader.
  virtual std::string source() const = 0;
  /// Streaming multiprocessors of the GPU; absent where it is none, or unknown.
  virtual std::optional<std::int64_t> sms() const { return std::nullopt; }
  /// Null: nothing is known at that setting.
  virtual const op::CostModel* costs(const study::SeriesSetting& setting) = 0;
  /// What answers a study whose points are executed in one piece; null: the sum of its operators' costs does.
  virtual const measure::Executions* executions() { return nullptr; }

 protected:
  explicit StudyDevice(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// "predict:a100,recorded:h200": the devices that an option names. Error naming the choices, or one that is there
/// twice.
std::vector<backends::DeviceName> device_names(const std::string& text);

/// Opens it: a database for a device that runs, which need not be here. Error as load_recordings and load_gpu have it.
std::unique_ptr<StudyDevice> open_study_device(const backends::DeviceName& device, const std::string& database);

}  // namespace gemmetry::cli
