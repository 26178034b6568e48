#include "gemmetry/backends/open.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <string_view>

#include "gemmetry/backends/cpu/cpu_backend.h"
#include "gemmetry/backends/device_name.h"

namespace gemmetry::backends {
namespace {

constexpr const char* cuda_file = "libgemmetry_cuda.so";

/// The library that is missing, of dlerror's "libcublasLt.so.13: cannot open shared object file: ..."; empty when that
/// is not what it says.
std::string missing_library(std::string_view reason) {
  const std::size_t colon = reason.find(": cannot open shared object file");
  return colon == std::string_view::npos ? std::string{} : std::string(reason.substr(0, colon));
}

/// Some runtimes put whole paragraphs into their errors.
std::string first_line(std::string_view text) { return std::string(text.substr(0, text.find('\n'))); }

measure::OpenBackend load_cuda(const std::filesystem::path& beside) {
  const std::filesystem::path file = beside / cuda_file;
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored))
    throw NoDevice(
        fmt::format("no CUDA backend: {} is missing; build it where the CUDA toolkit is (cmake finds nvcc, or "
                    "says what it lacks with -DGEMMETRY_CUDA=ON) and put it beside the program",
                    file.string()));
  // It stays loaded: what CUDA registers on loading does not survive being unloaded.
  void* library = dlopen(std::filesystem::absolute(file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* error = dlerror();
    const std::string reason = first_line(error ? error : "unknown error");
    const std::string missing = missing_library(reason);
    if (!missing.empty())
      throw NoDevice(
          fmt::format("no CUDA backend: {} is not where the loader looks; install the CUDA 13 runtime "
                      "libraries, or name their folder in LD_LIBRARY_PATH if they are elsewhere",
                      missing));
    throw NoDevice(fmt::format("no CUDA backend: {} does not load: {}", file.string(), reason));
  }
  void* symbol = dlsym(library, measure::open_backend_symbol);
  if (!symbol) {
    dlclose(library);
    throw NoDevice(fmt::format("no CUDA backend: {} is none of gemmetry's (it has no symbol {}); build it again",
                               file.string(), measure::open_backend_symbol));
  }
  return reinterpret_cast<measure::OpenBackend>(symbol);
}

std::unique_ptr<measure::Backend> open_cuda(measure::OpenBackend open, std::int32_t device) {
  measure::OpenRequest request;
  request.device = device;
  measure::Status status;
  std::unique_ptr<measure::Backend> backend(open(&request, &status));
  if (backend && status.ok()) return backend;
  throw NoDevice(fmt::format("no device cuda:{}: {}", device,
                             status.message[0] ? status.message : "the backend does not say why"));
}

ListedDevice listed(const std::string& name, measure::Backend& backend) {
  ListedDevice device{.name = name};
  measure::DeviceInfo info;
  const measure::Status status = backend.describe(info);
  if (status.ok())
    device.info = info;
  else
    device.reason = status.message;
  return device;
}

}  // namespace

std::unique_ptr<measure::Backend> open_device(const std::string& name, const std::filesystem::path& beside) {
  const DeviceName device = DeviceName::from(name);
  if (!device.runs())
    throw Error(fmt::format("device '{}' measures nothing: use cpu, cuda, or cuda:1 for the second", name));
  if (device.kind == DeviceKind::cpu) return std::make_unique<cpu::CpuBackend>();
  return open_cuda(load_cuda(beside), device.index.value_or(0));
}

std::vector<ListedDevice> list_devices(const std::filesystem::path& beside) {
  cpu::CpuBackend processor;
  std::vector<ListedDevice> devices{listed("cpu", processor)};
  constexpr std::int32_t most_devices = 64;
  try {
    const measure::OpenBackend open = load_cuda(beside);
    for (std::int32_t index = 0; index < most_devices; ++index) {
      try {
        devices.push_back(listed(fmt::format("cuda:{}", index), *open_cuda(open, index)));
      } catch (const NoDevice& none) {
        if (index == 0) throw;
        break;
      }
    }
  } catch (const NoDevice& none) {
    devices.push_back({.name = "cuda", .reason = none.what()});
  }
  return devices;
}

}  // namespace gemmetry::backends
