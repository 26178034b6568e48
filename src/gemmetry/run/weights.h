#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/run/safetensors.h"
#include "gemmetry/run/weight_array.h"
#include "gemmetry/shape/dtype.h"

namespace gemmetry::run {

/// A model's weights on a device, in one piece of memory. Deleted before the backend.
class Weights {
 public:
  /// Random ones, the same for the same seed on every device. Error where they do not fit, or the model cannot be
  /// executed.
  static Weights random(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype, std::uint64_t seed);
  /// Those of a file in the family's Hugging Face names, converted to `dtype`, to nearest even. Error naming file and
  /// tensor where one is missing or not of the shape that the model's sizes ask for.
  static Weights load(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype,
                      const Safetensors& file);

  /// Element `offset` of an array.
  void* at(std::string_view name, std::int64_t offset = 0) const;

  shape::Dtype dtype() const { return dtype_; }
  std::int64_t bytes() const { return memory_.bytes(); }

 private:
  struct Place {
    WeightArray array;
    std::int64_t offset = 0;
  };
  Weights(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype);

  shape::Dtype dtype_;
  DeviceBuffer memory_;
  std::map<std::string, Place, std::less<>> places_;
};

}  // namespace gemmetry::run
