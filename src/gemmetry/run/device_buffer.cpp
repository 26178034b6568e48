#include "gemmetry/run/device_buffer.h"

#include <fmt/format.h>

#include <utility>

#include "gemmetry/base/error.h"
#include "gemmetry/measure/subject.h"

namespace gemmetry::run {
namespace {

double gibi(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

}  // namespace

DeviceBuffer::DeviceBuffer(measure::Backend& backend, std::int64_t bytes, const std::string& what)
    : backend_(&backend), bytes_(bytes) {
  if (bytes == 0) return;
  measure::DeviceInfo device;
  measure::require(backend.describe(device));
  const measure::Status status = backend.allocate(bytes, &data_);
  if (status.code == measure::StatusCode::out_of_memory)
    throw Error(
        fmt::format("{} does not fit: {:.3f} GiB are needed, {:.3f} GiB of {} are free; use a smaller model, "
                    "batch, sequence or dtype",
                    what, gibi(bytes), gibi(device.free_bytes), device.name));
  measure::require(status);
}

DeviceBuffer::~DeviceBuffer() {
  if (data_) backend_->release(data_);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept { *this = std::move(other); }

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  std::swap(backend_, other.backend_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace gemmetry::run
