#include "gemmetry/backends/cuda/device.h"

#include <cudnn.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include "gemmetry/backends/cuda/cudnn_library.h"

namespace gemmetry::backends::cuda {
namespace {

template <std::size_t size>
void write(char (&text)[size], std::string_view value) {
  std::snprintf(text, size, "%.*s", static_cast<int>(value.size()), value.data());
}

/// "1" and "2" of 12010, which CUDA's versions look like.
std::string cuda_version(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

/// "GPU-" and the 16 bytes, as NVML prints them.
std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += digits;
  }
  return text;
}

/// The catalogue's name of a device, by words of its own name and, where these are not enough, its memory.
std::string_view catalogue_name(std::string_view name, std::int64_t memory_bytes) {
  const auto has = [&](std::string_view word) { return name.find(word) != std::string_view::npos; };
  constexpr std::int64_t giga = 1'000'000'000;
  if (has("GH200")) return "gh200";
  if (has("H200")) return "h200";
  if (has("H100")) return has("PCIe") ? "h100-pcie" : (has("HBM3") || has("SXM") ? "h100" : "");
  if (has("B200") && !has("GB200")) return "b200";
  if (has("A100")) {
    if (has("PCIE") || has("PCIe")) return "a100-pcie";
    return memory_bytes > 60 * giga ? "a100-80gb-sxm" : "a100-40gb-sxm";
  }
  if (has("L40S")) return "l40s";
  if (has("RTX 4090") && !has("Laptop")) return "rtx-4090";
  if (has("V100-SXM2")) return memory_bytes > 20 * giga ? "v100-sxm2-32gb" : "v100-sxm2-16gb";
  return "";
}

/// The number in "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue ...": the first word made of digits
/// and dots. Empty where the file is not there.
std::string driver_version() {
  std::FILE* const file = std::fopen("/proc/driver/nvidia/version", "r");
  if (file == nullptr) return {};
  char line[256] = {};
  const bool read = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  if (!read) return {};
  std::string_view rest = line;
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find_first_of(" \t\n"), rest.size());
    const std::string_view word = rest.substr(0, length);
    const bool number = word.find_first_not_of("0123456789.") == std::string_view::npos;
    if (number && word.find('.') != std::string_view::npos) return std::string(word);
    rest.remove_prefix(std::min(length + 1, rest.size()));
  }
  return {};
}

int attribute(cudaDeviceAttr which, std::int32_t index) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, which, index) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return value;
}

std::string dotted(std::size_t major, std::size_t minor, std::size_t patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

Status open_device(std::int32_t index) noexcept {
  int count = 0;
  const cudaError_t counted = cudaGetDeviceCount(&count);
  if (counted != cudaSuccess) cudaGetLastError();
  if (counted == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0)
      return failure(StatusCode::unsupported, "there is no NVIDIA driver: install one, or use another device");
    return failure(StatusCode::unsupported, "the NVIDIA driver is for CUDA %d.%d, this build needs %d.%d: update it",
                   driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  }
  if (counted == cudaErrorNoDevice || (counted == cudaSuccess && count == 0))
    return failure(StatusCode::unsupported,
                   "there is no NVIDIA GPU that CUDA can use here (CUDA_VISIBLE_DEVICES hides any?)");
  if (counted != cudaSuccess)
    return failure(StatusCode::unsupported, "CUDA cannot be used here: %s", cudaGetErrorString(counted));
  if (index < 0 || index >= count)
    return failure(StatusCode::unsupported, "device %d: this machine has %d: use 0 to %d", index, count, count - 1);
  cudaError_t error = cudaSetDevice(index);
  if (error == cudaSuccess) error = cudaFree(nullptr);  // makes the context, which takes memory
  if (error == cudaSuccess) return {};
  cudaGetLastError();
  if (error == cudaErrorMemoryAllocation)
    return failure(StatusCode::out_of_memory, "device %d: its memory is full before anything was allocated: free it",
                   index);
  return failure(StatusCode::unsupported, "device %d cannot be used: %s", index, cudaGetErrorString(error));
}

Status describe_device(std::int32_t index, measure::DeviceInfo& info) {
  info = {};
  cudaDeviceProp properties = {};
  const Status status = check(cudaGetDeviceProperties(&properties, index), "ask for the device's properties");
  if (!status.ok()) return status;
  std::size_t free = 0;
  std::size_t total = 0;
  if (const Status asked = check(cudaMemGetInfo(&free, &total), "ask for the device's memory"); !asked.ok())
    return asked;

  write(info.backend, "cuda");
  write(info.name, properties.name);
  write(info.gpu, catalogue_name(properties.name, static_cast<std::int64_t>(properties.totalGlobalMem)));
  write(info.uuid, uuid_text(properties.uuid));
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  const std::string number = driver_version();
  write(info.driver, number.empty() ? "CUDA " + cuda_version(driver) : number);
  write(info.runtime, "CUDA " + cuda_version(runtime));
  const std::size_t lt = cublasLtGetVersion();
  write(info.products, "cublasLt " + dotted(lt / 10000, lt / 100 % 100, lt % 100));
  if (load_cudnn().ok()) {
    const std::size_t cudnn = cudnnGetVersion();
    write(info.attention, "cuDNN " + dotted(cudnn / 10000, cudnn / 100 % 100, cudnn % 100));
  }
  info.sms = properties.multiProcessorCount;
  info.compute_major = properties.major;
  info.compute_minor = properties.minor;
  info.memory_bytes = static_cast<std::int64_t>(total);
  info.free_bytes = static_cast<std::int64_t>(free);
  info.l2_bytes = properties.l2CacheSize;
  info.clock_hz = 1e3 * attribute(cudaDevAttrClockRate, index);
  return {};
}

}  // namespace gemmetry::backends::cuda
