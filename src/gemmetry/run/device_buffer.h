#pragma once

#include <cstdint>
#include <string>

#include "gemmetry/measure/backend.h"

namespace gemmetry::run {

/// Device memory that is released with its owner, before the backend.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  /// Error naming `what`, the bytes it needs and the bytes that are free where they are too few. 0 bytes: none.
  DeviceBuffer(measure::Backend& backend, std::int64_t bytes, const std::string& what);
  ~DeviceBuffer();
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;

  /// The address `offset` bytes from the beginning.
  void* at(std::int64_t offset = 0) const { return static_cast<char*>(data_) + offset; }
  std::int64_t bytes() const { return bytes_; }

 private:
  measure::Backend* backend_ = nullptr;
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

/// Where the next buffer in the same memory may begin: device memory is aligned to 256 bytes.
constexpr std::int64_t aligned(std::int64_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace gemmetry::run
