#include "gemmetry/run/weights.h"

#include <fmt/format.h>

#include <cassert>
#include <vector>

#include "gemmetry/measure/subject.h"
#include "gemmetry/run/executable.h"
#include "gemmetry/run/hf_weights.h"
#include "gemmetry/run/planned.h"

namespace gemmetry::run {

Weights::Weights(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype) : dtype_(dtype) {
  require_executable(model);
  const std::int64_t element = element_bytes(measure::element_of(dtype));
  std::int64_t end = 0;
  for (WeightArray& array : weight_arrays(model)) {
    const std::int64_t bytes = array.elements() * element;
    std::string name = array.name;
    places_.emplace(std::move(name), Place{std::move(array), end});
    end += aligned(bytes);
  }
  memory_ = DeviceBuffer(backend, end, fmt::format("{} in {}", model.name, name(dtype)));
}

Weights Weights::random(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype, std::uint64_t seed) {
  Weights weights(backend, model, dtype);
  for (const auto& [name, place] : weights.places_) {
    const WeightArray& array = place.array;
    const measure::FillKernel fill{array.elements(), measure::element_of(dtype), seed++, array.random.mean,
                                   array.random.scale};
    Planned(backend, fill).run({weights.memory_.at(place.offset)});
  }
  return weights;
}

Weights Weights::load(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype,
                      const Safetensors& file) {
  const HfWeights source(file, model);
  Weights weights(backend, model, dtype);
  for (const auto& [name, place] : weights.places_) {
    const std::vector<std::byte> values = source.read(place.array, measure::element_of(dtype));
    measure::require(
        backend.write(weights.memory_.at(place.offset), values.data(), static_cast<std::int64_t>(values.size())));
  }
  return weights;
}

void* Weights::at(std::string_view name, std::int64_t offset) const {
  const auto found = places_.find(name);
  assert(found != places_.end());
  return memory_.at(found->second.offset + offset * element_bytes(measure::element_of(dtype_)));
}

}  // namespace gemmetry::run
