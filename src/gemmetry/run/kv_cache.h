#pragma once

#include <cstdint>

#include "gemmetry/measure/backend.h"
#include "gemmetry/run/device_buffer.h"
#include "gemmetry/shape/dtype.h"
#include "gemmetry/shape/model.h"

namespace gemmetry::run {

/// Keys and values of earlier tokens on the device: for each layer `slots` requests of up to `capacity` tokens,
/// [slot][position][KV heads times dimension].
class KvCache {
 public:
  /// Error where it does not fit.
  KvCache(measure::Backend& backend, const shape::Model& model, shape::Dtype dtype, std::int64_t slots,
          std::int64_t capacity);

  /// Random keys and values, as if all slots were full.
  void fill(measure::Backend& backend, std::uint64_t seed);

  /// Zeros everywhere.
  void clear(measure::Backend& backend);

  std::int64_t slots() const { return slots_; }
  std::int64_t capacity() const { return capacity_; }
  std::int64_t bytes() const { return memory_.bytes(); }

  /// What a token of all layers takes.
  static std::int64_t bytes_a_token(const shape::Model& model, shape::Dtype dtype);

  void* keys(std::int64_t layer) const { return memory_.at(layer * (keys_bytes_ + values_bytes_)); }
  void* values(std::int64_t layer) const { return memory_.at(layer * (keys_bytes_ + values_bytes_) + keys_bytes_); }

 private:
  void fill(measure::Backend& backend, std::uint64_t seed, float scale);

  std::int64_t slots_;
  std::int64_t capacity_;
  measure::Element element_;
  std::int64_t keys_bytes_;  ///< of a layer
  std::int64_t values_bytes_;
  DeviceBuffer memory_;
};

}  // namespace gemmetry::run
